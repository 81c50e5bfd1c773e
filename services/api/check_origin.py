"""Keeps web pages of other sites from acting on, or listening to, a server that their visitor can reach."""

from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.error_responses import problem

HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})  # a browser shows their answers to allowed origins only


class CheckOrigin:
    """Refuses, with 403, calls that change something and log streams whose `Origin` is neither ours nor allowed.

    Browsers ask nobody before they send a POST without a JSON body, or open a WebSocket, to another site. Clients that
    are no browsers send no `Origin` and are let through.
    """

    def __init__(self, app: ASGIApp, *, allowed: Iterable[str]) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_checked = scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] not in HARMLESS)
        if is_checked and not self._is_ours(Headers(scope=scope)):
            refusal = problem(HTTPConnection(scope), HTTPStatus.FORBIDDEN, "Calls from this origin are not allowed")
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        return origin is None or origin in self._allowed or urlsplit(origin).netloc == headers.get("host", "")
