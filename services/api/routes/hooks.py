"""Webhooks: calls that start jobs, and how those are doing."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from services.api.middleware import extend_deadline
from services.api.models.hooks import WebhookAnswer, WebhookJob
from services.api.parts import JobId, Parts, PartsOf
from services.api.routes.refusals import refusals
from services.api.use_cases import webhook as use

router = APIRouter(prefix="/hooks", tags=["webhooks"])

HookName = Annotated[str, Path(description="The webhook's name.", examples=["on-push"])]
Secret = Annotated[str | None, Query(description="The webhook's secret, unless it is sent as a Bearer token.")]
_NOT_OVER: dict[int | str, dict[str, Any]] = {202: {"model": WebhookAnswer, "description": "The job is not over yet."}}
_NOT_OVER_JOB: dict[int | str, dict[str, Any]] = {202: {"model": WebhookJob, "description": "The job is not over yet."}}
_RAW_BODY = {"requestBody": {"required": False, "content": {"application/json": {}, "text/plain": {}}}}


@router.post("/{name}", responses={**_NOT_OVER, **refusals(400, 401, 404, 413)}, openapi_extra=_RAW_BODY)
async def deliver_webhook(
    parts: PartsOf, request: Request, response: Response, name: HookName, secret: Secret = None
) -> WebhookAnswer:
    """Start the webhook's task with what was sent; a `sync` webhook answers when the job has ended, or 202."""
    del secret  # read with the header, where both are known
    return await _deliver(parts, request, response, name)


@router.get("/{name}", responses={**_NOT_OVER, **refusals(400, 401, 404)})
async def call_webhook(
    parts: PartsOf, request: Request, response: Response, name: HookName, secret: Secret = None
) -> WebhookAnswer:
    """Start the webhook's task without a body, as with POST."""
    del secret
    return await _deliver(parts, request, response, name)


@router.get("/{name}/jobs/{job_id}", responses={**_NOT_OVER_JOB, **refusals(400, 401, 404)})
async def show_webhook_job(
    parts: PartsOf,
    request: Request,
    response: Response,
    name: HookName,
    job_id: JobId,
    wait: Annotated[bool, Query(description="Wait for the job's end.")] = False,  # noqa: FBT002 - a query value
    timeout: Annotated[int, Query(ge=1, le=300, description="How long, in seconds; 1 to 300.")] = 30,  # noqa: ASYNC109 - the contract's name
    secret: Secret = None,
) -> WebhookJob:
    """Show a job that this webhook started; 202 if it was waited for and is not over."""
    del secret
    webhook = await use.find_webhook(parts, name)
    use.check_secret(parts, webhook.definition, request)
    job = await use.load_own_job(parts, webhook, job_id)
    if wait and not job.status.is_terminal:
        extend_deadline(request, timeout)
        job = await use.wait_for_job(parts, job_id, timedelta(seconds=timeout))
    _tell(response, is_over=job.status.is_terminal or not wait)
    return WebhookJob(**use.answer_of(webhook, job), created_at=job.created_at, completed_at=job.finished_at)


async def _deliver(parts: Parts, request: Request, response: Response, name: str) -> WebhookAnswer:
    webhook = await use.find_webhook(parts, name)
    job_id = await use.deliver(parts, webhook, request)
    answer: dict[str, Any] = {"job_id": job_id, "trigger": webhook.trigger, "task": webhook.definition.task}
    if webhook.definition.mode == "async":
        _tell(response, is_over=True)
        return WebhookAnswer(**answer)
    extend_deadline(request, webhook.definition.timeout_secs)
    job = await use.wait_for_job(parts, job_id, timedelta(seconds=webhook.definition.timeout_secs))
    _tell(response, is_over=job.status.is_terminal)
    if not job.status.is_terminal:
        return WebhookAnswer(**answer, status="running")
    return WebhookAnswer(**use.answer_of(webhook, job))


def _tell(response: Response, *, is_over: bool) -> None:
    response.status_code = 200 if is_over else 202
    response.headers["Cache-Control"] = "no-store"
