"""A service's own health and metrics page, for supervisors and Prometheus."""

import asyncio
from collections.abc import Awaitable, Callable

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Check = Callable[[], Awaitable[dict[str, str]]]
"""Answers `{part: "ok" or what is wrong}`."""


async def serve_probe(host: str, port: int, check: Check, stopping: asyncio.Event) -> None:
    """Answer `/healthz` (503 unless every part is ok) and `/metrics` until `stopping`; port 0 serves nothing."""
    if port == 0:
        await stopping.wait()
        return

    async def healthz(_: Request) -> JSONResponse:
        checks = await check()
        is_well = all(state == "ok" for state in checks.values())
        return JSONResponse({"status": "ok" if is_well else "unhealthy", "checks": checks}, 200 if is_well else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    app = Starlette(routes=[Route("/healthz", healthz), Route("/metrics", metrics)])
    await serve_until(app, host, port, stopping)


async def serve_until(app: object, host: str, port: int, stopping: asyncio.Event) -> None:
    """Serve an ASGI app until `stopping`, then let open requests end for at most 5 s."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
        ws="websockets-sansio",
    )
    server = uvicorn.Server(config)
    server.capture_signals = _no_signals  # type: ignore[method-assign, assignment]  # the lifecycle owns signals
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve(), name="http")
        await asyncio.wait(
            [serving, tasks.create_task(stopping.wait(), name="http.stop")], return_when=asyncio.FIRST_COMPLETED
        )
        stopping.set()
        server.should_exit = True


class _no_signals:  # noqa: N801 - stands for a context manager function
    def __init__(self) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...
