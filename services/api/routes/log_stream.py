"""The live log of a job over a WebSocket."""

import asyncio
from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from services.api.error_responses import answer_error, problem
from services.api.parts import Parts, PartsOf, checked_id
from services.api.use_cases.read_jobs import load_job
from services.api.view_logs import TRY_AGAIN, LogView
from shared.engine.job import Job
from shared.errors import HeadraceError, InvalidInput
from shared.telemetry.metrics import LOG_VIEWERS

log = structlog.get_logger()
router = APIRouter()

REFUSED_BASE = 4000  # close codes for servers that can't answer HTTP before the upgrade: 4404 is 404
CLOSE_SECONDS = 5.0
_FLAGS = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


@router.websocket("/api/jobs/{job_id}/logs/stream")
async def stream_job_logs(
    websocket: WebSocket, parts: PartsOf, job_id: str, skip_backfill: Annotated[str, Query()] = "false"
) -> None:
    """Send what is stored as the first frame, then live lines; close with 1000 when the job's log is whole.

    Every frame is text: one or more JSONL lines.
    """
    try:
        should_skip = _flag(skip_backfill)
        job = await load_job(parts.storage.jobs, checked_id(job_id, "Invalid job ID"))
    except HeadraceError as error:
        await _refuse(websocket, answer_error(websocket, error))
        return
    if len(parts.viewers) >= parts.settings.api_viewers:
        await _refuse(websocket, problem(websocket, 503, "This server has as many log viewers as it can serve"))
        return
    await websocket.accept()
    parts.viewers.add(websocket)
    LOG_VIEWERS.inc()
    try:
        await _serve(websocket, parts, job, should_skip=should_skip)
    finally:
        LOG_VIEWERS.dec()
        parts.viewers.discard(websocket)


async def _serve(websocket: WebSocket, parts: Parts, job: Job, *, should_skip: bool) -> None:
    """Show the log until its end or until the client is gone, whichever is first."""
    viewing = asyncio.create_task(_view(websocket, parts, job, should_skip=should_skip), name="logs.view")
    listening = asyncio.create_task(_listen(websocket), name="logs.listen")
    try:
        await asyncio.wait((viewing, listening), return_when=asyncio.FIRST_COMPLETED)
        if viewing.done():
            await _close(websocket, viewing.result())
    finally:
        viewing.cancel()
        listening.cancel()
        await asyncio.wait((viewing, listening))


async def _view(websocket: WebSocket, parts: Parts, job: Job, *, should_skip: bool) -> int:
    async with parts.live.watch(job.id) as feed:
        view = LogView(job, feed, parts.storage.logs, websocket.send_text, parts.clock, parts.patience)
        try:
            return await view.run(skip_backfill=should_skip)
        except TimeoutError:
            log.info("viewer.too_slow", job_id=job.id)
            return TRY_AGAIN


async def _listen(websocket: WebSocket) -> None:
    """Pass over what the client says; ends when it is gone."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _close(websocket: WebSocket, code: int) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await websocket.close(code)
    except (TimeoutError, RuntimeError, WebSocketDisconnect):  # the client was faster
        return


async def _refuse(websocket: WebSocket, response: Response) -> None:
    """Answer HTTP before the upgrade, or a close code where the server can't."""
    if websocket.client_state is not WebSocketState.CONNECTING:
        return
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(response)
    else:
        await websocket.close(REFUSED_BASE + response.status_code)


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise InvalidInput(
            "skip_backfill must be true or false", problems=[{"loc": "query.skip_backfill", "msg": "no bool"}]
        )
    return _FLAGS[text.lower()]
