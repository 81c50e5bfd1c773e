"""Workspaces, tasks and triggers."""

from typing import Annotated

from fastapi import APIRouter, Header, Request

from services.api.json_body import read_json
from services.api.models.jobs import ExecuteAnswer, ExecuteRequest
from services.api.models.workspaces import TaskDetail, TaskRow, TriggerView, WorkspaceRow
from services.api.parts import PartsOf, TaskName, WorkspaceName
from services.api.routes.refusals import refusals
from services.api.use_cases import execute_task as execution
from services.api.use_cases import read_workspaces

router = APIRouter(prefix="/api", tags=["workspaces"])

_EXECUTE_BODY = {
    "requestBody": {
        "required": False,
        "content": {"application/json": {"schema": ExecuteRequest.model_json_schema(mode="validation")}},
    }
}
IdempotencyKey = Annotated[
    str | None,
    Header(description="A second request with this key and body within 24 h answers the first one's job."),
]


@router.get("/workspaces", responses=refusals())
async def list_workspaces(parts: PartsOf) -> list[WorkspaceRow]:
    """List all workspaces with their counts and problems."""
    return await read_workspaces.list_workspaces(parts.storage.workspaces, parts.catalog)


@router.get("/tasks", responses=refusals())
async def list_all_tasks(parts: PartsOf) -> list[TaskRow]:
    """List the tasks of all workspaces."""
    return await read_workspaces.list_all_tasks(parts.storage.workspaces, parts.catalog)


@router.get("/workspaces/{workspace}/tasks", responses=refusals(404))
async def list_tasks(parts: PartsOf, workspace: WorkspaceName) -> list[TaskRow]:
    """List the tasks of a workspace."""
    return await read_workspaces.list_tasks(parts.catalog, workspace)


@router.get("/workspaces/{workspace}/tasks/{task}", responses=refusals(404))
async def show_task(parts: PartsOf, workspace: WorkspaceName, task: TaskName) -> TaskDetail:
    """Show a task with its input, flow and triggers."""
    return await read_workspaces.show_task(parts.catalog, parts.storage.fires, parts.clock, workspace, task)


@router.get("/workspaces/{workspace}/triggers", responses=refusals(404))
async def list_triggers(parts: PartsOf, workspace: WorkspaceName) -> list[TriggerView]:
    """List the triggers of a workspace with their next five fire times."""
    return await read_workspaces.list_triggers(parts.catalog, parts.storage.fires, parts.clock, workspace)


@router.post(
    "/workspaces/{workspace}/tasks/{task}/execute",
    responses=refusals(400, 404, 409, 413, 415),
    openapi_extra=_EXECUTE_BODY,
)
async def execute_task(
    parts: PartsOf, request: Request, workspace: WorkspaceName, task: TaskName, idempotency_key: IdempotencyKey = None
) -> ExecuteAnswer:
    """Start a job of the task. The body may be left out: no input."""
    body = await read_json(request)
    job_id = await execution.execute_task(
        parts.catalog, parts.orchestrator, parts.storage, workspace, task, body, idempotency_key
    )
    return ExecuteAnswer(job_id=job_id)
