"""What surrounds every request: its owner, its deadline, its size, its metrics."""

import asyncio
import re
import time
from http import HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.error_responses import SECRET_DETAIL, problem
from shared.telemetry.metrics import HTTP_REQUESTS, HTTP_SECONDS

log = structlog.get_logger()

UNMATCHED = "unmatched"  # one label for all wrong paths, so that nobody can blow up the metrics
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_DEADLINE = "headrace.deadline"
_UPLOADS = re.compile(r"/api/workspaces/[^/]+(/tasks/[^/]+)?/state")
GONE = 499  # the client left before the answer began, as nginx counts it


def extend_deadline(request: Request, seconds: float) -> None:
    """The answer may begin this much later than it had to from now on: the caller asked to wait."""
    deadline = request.scope[_DEADLINE]
    if deadline is not None and deadline.when() is not None:
        deadline.reschedule(deadline.when() + seconds)


class RequestOwner:
    """Owns every request: counts it, and answers a lost deadline with 503 and any other failure with 500.

    It is one of the two places that own a failure of any kind. The deadline is for the beginning of the answer: a long
    log may take longer to send.
    """

    def __init__(self, app: ASGIApp, *, request_seconds: float) -> None:
        self._app = app
        self._request_seconds = request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        answer = _Answer(send)
        try:
            refusal = await self._own(scope, receive, answer)
            if refusal is not None:
                await refusal(scope, receive, answer)
        finally:
            _count(scope, answer.status or GONE, time.perf_counter() - begun)

    async def _own(self, scope: Scope, receive: Receive, answer: "_Answer") -> Response | None:
        """Let the app answer; what to say instead if it did not begin to."""
        request = Request(scope)
        try:
            async with asyncio.timeout(self._request_seconds) as answer.deadline:
                scope[_DEADLINE] = answer.deadline
                await self._app(scope, receive, answer)
        except ClientDisconnect:
            return None
        except TimeoutError:
            if answer.status:
                raise
            log.warning("request.too_slow", path=request.url.path)
            return problem(request, HTTPStatus.SERVICE_UNAVAILABLE, "The request took too long", code="unavailable")
        except Exception as error:
            log.exception("request.failed", path=request.url.path, error=repr(error))
            if answer.status:
                raise
            return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, SECRET_DETAIL)
        finally:
            answer.deadline = None
        return None


class _Answer:
    """The answer on its way out: notes its status, and that the deadline was met."""

    def __init__(self, send: Send) -> None:
        self.status = 0
        self.deadline: asyncio.Timeout | None = None
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.deadline is not None:
                self.deadline.reschedule(None)
        await self._send(message)


class BodyLimit:
    """Refuses bodies that are too large with 413 before anything reads them; counts those that don't say their size.

    `archive_bytes` is the limit where files are uploaded, `limit_bytes` everywhere else.
    """

    def __init__(self, app: ASGIApp, *, limit_bytes: int, archive_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._archive_bytes = archive_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        told = request.headers.get("content-length", "0")
        limit = self._archive_bytes if _UPLOADS.fullmatch(request.url.path) else self._limit_bytes
        detail = f"The body is larger than {limit} bytes"
        if not told.isdecimal() or int(told) > limit:
            await problem(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)(scope, receive, send)
            return
        read = 0

        async def count() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
            return message

        await self._app(scope, count, send)


def _count(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", UNMATCHED)
    method = scope["method"] if scope["method"] in METHODS else "other"
    HTTP_REQUESTS.labels(method=method, route=route, status=str(status)).inc()
    HTTP_SECONDS.labels(route=route).observe(seconds)
