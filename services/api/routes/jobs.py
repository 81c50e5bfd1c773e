"""Jobs: list, show, cancel."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.api.models.fields import Limit, Offset
from services.api.models.jobs import CancelAnswer, JobDetail, JobPage
from services.api.parts import JobId, PartsOf
from services.api.routes.refusals import refusals
from services.api.use_cases import read_jobs
from shared.engine.states import JobStatus

router = APIRouter(prefix="/api/jobs", tags=["jobs"])

CALLER = "api"  # who cancels; nobody can log in yet


@router.get("", responses=refusals(400))
async def list_jobs(
    parts: PartsOf,
    workspace: Annotated[str | None, Query(description="Only of this workspace.")] = None,
    task_name: Annotated[str | None, Query(description="Only of this task; requires `workspace`.")] = None,
    status: Annotated[str | None, Query(description="Only with this status.", examples=["running"])] = None,
    source_type: Annotated[str | None, Query(description="Only started this way.", examples=["api"])] = None,
    limit: Annotated[Limit, Query()] = 50,
    offset: Annotated[Offset, Query()] = 0,
) -> JobPage:
    """List jobs, newest first."""
    return await read_jobs.list_jobs(
        parts.storage.jobs,
        parts.catalog,
        workspace=workspace,
        task_name=task_name,
        status=status,
        source_type=source_type,
        limit=limit,
        offset=offset,
    )


@router.get("/{job_id}", responses=refusals(400, 404))
async def show_job(parts: PartsOf, job_id: JobId) -> JobDetail:
    """Show a job with its steps."""
    return await read_jobs.show_job(parts.storage.jobs, parts.catalog, job_id)


@router.post("/{job_id}/cancel", responses=refusals(400, 404, 409))
async def cancel_job(parts: PartsOf, job_id: JobId) -> CancelAnswer:
    """Cancel a job: nothing new starts, running steps are killed."""
    await parts.orchestrator.cancel(job_id, by=CALLER)
    return CancelAnswer(status=JobStatus.CANCELLED)
