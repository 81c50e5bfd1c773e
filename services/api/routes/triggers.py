"""Triggers: pause and resume."""

from typing import Annotated

from fastapi import APIRouter, Path

from services.api.models.workspaces import TriggerView
from services.api.parts import PartsOf, WorkspaceName
from services.api.routes.refusals import refusals
from services.api.use_cases import control_triggers

router = APIRouter(prefix="/api/workspaces/{workspace}/triggers/{name}", tags=["workspaces"])

TriggerName = Annotated[str, Path(description="Trigger name.", examples=["nightly"])]


@router.post("/pause", responses=refusals(404))
async def pause_trigger(parts: PartsOf, workspace: WorkspaceName, name: TriggerName) -> TriggerView:
    """Pause a trigger: it starts nothing until it is resumed, whatever its file says."""
    return await control_triggers.pause_trigger(parts.catalog, parts.storage.fires, parts.clock, workspace, name)


@router.post("/resume", responses=refusals(404))
async def resume_trigger(parts: PartsOf, workspace: WorkspaceName, name: TriggerName) -> TriggerView:
    """Resume a paused trigger; what it would have started meanwhile is not made up for."""
    return await control_triggers.resume_trigger(parts.catalog, parts.storage.fires, parts.clock, workspace, name)
