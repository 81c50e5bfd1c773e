"""Control of jobs: pause, resume, retry, approve, skip, complete by hand, replay, explain."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from services.api.json_body import read_json
from services.api.models.control import (
    ApproveAnswer,
    ApproveRequest,
    BulkCancelAnswer,
    BulkRequest,
    BulkRetryAnswer,
    ForceCompleteRequest,
    JobExplanation,
    JobStatusAnswer,
    ReplayAnswer,
    SkipRequest,
    StepStatusAnswer,
)
from services.api.models.jobs import ExecuteAnswer
from services.api.parts import JobId, PartsOf
from services.api.routes.refusals import refusals
from services.api.routes.workspaces import IdempotencyKey
from services.api.use_cases import control, control_many, control_retry, explain_job

router = APIRouter(prefix="/api/jobs", tags=["control"])

BY = "anonymous"  # nobody can log in yet
StepName = Annotated[str, Path(description="Step name.", examples=["say-hello"])]


def _body(model: type[BaseModel], *, required: bool = False) -> dict[str, Any]:
    schema = model.model_json_schema(mode="validation")
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


@router.post("/bulk-cancel", responses=refusals(400, 413, 415), openapi_extra=_body(BulkRequest, required=True))
async def cancel_many_jobs(parts: PartsOf, request: Request) -> BulkCancelAnswer:
    """Cancel up to 100 jobs; each answers for itself."""
    wish = control.parse(BulkRequest, await read_json(request))
    return await control_many.cancel_many(parts.orchestrator, wish.job_ids, BY)


@router.post("/bulk-retry", responses=refusals(400, 413, 415), openapi_extra=_body(BulkRequest, required=True))
async def retry_many_jobs(parts: PartsOf, request: Request) -> BulkRetryAnswer:
    """Retry up to 100 jobs that have ended; each answers for itself."""
    wish = control.parse(BulkRequest, await read_json(request))
    return await control_many.retry_many(parts.orchestrator, wish.job_ids)


@router.post("/{job_id}/pause", responses=refusals(400, 404, 409))
async def pause_job(parts: PartsOf, job_id: JobId) -> JobStatusAnswer:
    """Pause a job: nothing new starts, running steps finish. A paused job stays as it is."""
    return JobStatusAnswer(status=(await control.pause(parts.orchestrator, job_id, BY)).status)


@router.post("/{job_id}/resume", responses=refusals(400, 404, 409))
async def resume_job(parts: PartsOf, job_id: JobId) -> JobStatusAnswer:
    """Resume a paused job: what may start, starts."""
    return JobStatusAnswer(status=(await control.resume(parts.orchestrator, job_id, BY)).status)


@router.post("/{job_id}/retry", responses=refusals(400, 404, 409))
async def retry_job(parts: PartsOf, job_id: JobId, idempotency_key: IdempotencyKey = None) -> ExecuteAnswer:
    """Retry a job that has ended, as a new job: completed steps keep their outputs, all others run."""
    job = await control_retry.retry_job(parts.orchestrator, parts.storage.idempotency, job_id, idempotency_key)
    return ExecuteAnswer(job_id=job)


@router.get("/{job_id}/explain", responses=refusals(400, 404))
async def explain_a_job(parts: PartsOf, job_id: JobId) -> JobExplanation:
    """Explain what the job and each of its open steps wait for."""
    return await explain_job.explain(parts.storage, parts.broker, parts.clock, job_id)


@router.post(
    "/{job_id}/steps/{step}/approve",
    responses=refusals(400, 404, 409, 413, 415),
    openapi_extra=_body(ApproveRequest, required=True),
)
async def approve_step(parts: PartsOf, request: Request, job_id: JobId, step: StepName) -> ApproveAnswer:
    """Approve or reject a step that waits for an approval."""
    wish = control.parse(ApproveRequest, await read_json(request))
    return await control.approve(parts.orchestrator, job_id, step, BY, wish)


@router.post(
    "/{job_id}/steps/{step}/skip",
    responses=refusals(400, 404, 409, 413, 415),
    openapi_extra=_body(SkipRequest),
)
async def skip_step(parts: PartsOf, request: Request, job_id: JobId, step: StepName) -> StepStatusAnswer:
    """Pass over a step that is pending or suspended; its dependents go on."""
    wish = control.parse(SkipRequest, await read_json(request))
    return await control.skip(parts.orchestrator, job_id, step, BY, wish)


@router.post(
    "/{job_id}/steps/{step}/force-complete",
    responses=refusals(400, 404, 409, 413, 415),
    openapi_extra=_body(ForceCompleteRequest),
)
async def force_complete_step(parts: PartsOf, request: Request, job_id: JobId, step: StepName) -> StepStatusAnswer:
    """Complete a step that is pending or suspended, with a result brought by hand."""
    wish = control.parse(ForceCompleteRequest, await read_json(request))
    return await control.force_complete(parts.orchestrator, job_id, step, BY, wish)


@router.post("/{job_id}/steps/{step}/retry", responses=refusals(400, 404, 409))
async def retry_step(parts: PartsOf, job_id: JobId, step: StepName) -> StepStatusAnswer:
    """Run a step that has ended again, and what was skipped or cancelled because of it; the job runs again."""
    return await control.retry_step(parts.orchestrator, job_id, step, BY)


@router.post("/{job_id}/steps/{step}/replay", responses=refusals(400, 404, 409))
async def replay_subtree(parts: PartsOf, job_id: JobId, step: StepName) -> ReplayAnswer:
    """Run a step that has ended and everything that depends on it again; the job runs again."""
    return await control.replay(parts.orchestrator, job_id, step, BY)
