"""States of tasks and workspaces: shown, and brought from outside."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from services.api.middleware import extend_deadline
from services.api.models.state import SnapshotRow, StateUploaded, StateView
from services.api.parts import Parts, PartsOf, TaskName, WorkspaceName
from services.api.routes.refusals import refusals
from services.api.use_cases import read_state, upload_state
from services.api.use_cases.upload_state import Mode, Upload

router = APIRouter(prefix="/api/workspaces/{workspace}", tags=["state"])

UPLOAD_SECONDS = 120.0  # for 50 MB over a slow line
ModeOf = Annotated[
    Mode, Query(description="`replace` the state, or `merge` the upload into it. Every other parameter is a key of it.")
]
_ARCHIVE = {
    "requestBody": {
        "required": False,
        "description": "The files as gzip-compressed tar, at most 50 MB.",
        "content": {"application/gzip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/state", responses=refusals(404))
async def show_global_state(parts: PartsOf, workspace: WorkspaceName) -> StateView:
    """Show the latest global state of a workspace."""
    return await read_state.show_state(parts.catalog, parts.storage.snapshots, workspace, None)


@router.get("/state/snapshots", responses=refusals(404))
async def list_global_snapshots(parts: PartsOf, workspace: WorkspaceName) -> list[SnapshotRow]:
    """List the global states of a workspace that are kept, newest first."""
    return await read_state.list_snapshots(parts.catalog, parts.storage.snapshots, workspace, None)


@router.post("/state", status_code=201, responses=refusals(400, 404, 413), openapi_extra=_ARCHIVE)
async def upload_global_state(
    parts: PartsOf, request: Request, workspace: WorkspaceName, mode: ModeOf = "replace"
) -> StateUploaded:
    """Bring the global state of a workspace."""
    return await _upload(parts, request, workspace, None, mode)


@router.get("/tasks/{task}/state", responses=refusals(404))
async def show_task_state(parts: PartsOf, workspace: WorkspaceName, task: TaskName) -> StateView:
    """Show the latest state of a task."""
    return await read_state.show_state(parts.catalog, parts.storage.snapshots, workspace, task)


@router.get("/tasks/{task}/state/snapshots", responses=refusals(404))
async def list_task_snapshots(parts: PartsOf, workspace: WorkspaceName, task: TaskName) -> list[SnapshotRow]:
    """List the states of a task that are kept, newest first."""
    return await read_state.list_snapshots(parts.catalog, parts.storage.snapshots, workspace, task)


@router.post("/tasks/{task}/state", status_code=201, responses=refusals(400, 404, 413), openapi_extra=_ARCHIVE)
async def upload_task_state(
    parts: PartsOf, request: Request, workspace: WorkspaceName, task: TaskName, mode: ModeOf = "replace"
) -> StateUploaded:
    """Bring the state of a task."""
    return await _upload(parts, request, workspace, task, mode)


async def _upload(parts: Parts, request: Request, workspace: str, task: str | None, mode: Mode) -> StateUploaded:
    extend_deadline(request, UPLOAD_SECONDS)
    keys = {name: value for name, value in request.query_params.items() if name != "mode"}
    upload = Upload(mode, await request.body(), keys)
    return await upload_state.upload_state(parts.catalog, parts.storage, parts.clock, workspace, task, upload)
