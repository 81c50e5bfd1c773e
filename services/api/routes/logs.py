"""Stored logs of jobs and steps."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import StreamingResponse

from services.api.models.jobs import LogText
from services.api.parts import JobId, Parts, PartsOf
from services.api.routes.refusals import refusals
from services.api.use_cases.read_jobs import load_job
from services.api.use_cases.read_logs import check_step, log_answer, wait_until_whole

router = APIRouter(prefix="/api/jobs", tags=["logs"])

StepName = Annotated[
    str, Path(description="Step name, or `_server` for the engine's own lines.", examples=["say-hello"])
]


@router.get("/{job_id}/logs", response_model=LogText, responses=refusals(400, 404))
async def show_job_logs(parts: PartsOf, job_id: JobId) -> StreamingResponse:
    """Show all log lines of a job as JSONL text."""
    return await _answer(parts, job_id, None)


@router.get("/{job_id}/steps/{step}/logs", response_model=LogText, responses=refusals(400, 404))
async def show_step_logs(parts: PartsOf, job_id: JobId, step: StepName) -> StreamingResponse:
    """Show the log lines of one step as JSONL text."""
    return await _answer(parts, job_id, step)


async def _answer(parts: Parts, job_id: str, step: str | None) -> StreamingResponse:
    job = await load_job(parts.storage.jobs, job_id)
    if step is not None:
        check_step(job, step)
    await wait_until_whole(parts.storage.logs, job, step, parts.log_settles_within)
    pieces = log_answer(parts.storage.logs, job_id, step)
    first = await anext(pieces)  # what can go wrong at once is answered as an error, not as a broken stream
    return StreamingResponse(_joined(first, pieces), media_type="application/json")


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(rest):  # type: ignore[type-var]  # log_answer is an async generator
        yield first
        async for piece in rest:
            yield piece
