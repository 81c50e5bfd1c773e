"""The FastAPI application: routes, errors and middleware joined."""

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware

from services.api.check_origin import CheckOrigin
from services.api.error_responses import add_error_responses
from services.api.middleware import BodyLimit, RequestOwner
from services.api.openapi import describe
from services.api.parts import Parts
from services.api.routes import (
    artifacts,
    control,
    events,
    hooks,
    jobs,
    log_stream,
    logs,
    refresh,
    state,
    system,
    triggers,
    validate,
    workers,
    workspaces,
)
from services.api.settings import ApiSettings
from shared.runtime.version import VERSION
from shared.storage.state_archive import LARGEST_ARCHIVE_BYTES

ROUTERS = (
    workspaces.router,
    refresh.router,
    triggers.router,
    hooks.router,
    jobs.router,
    control.router,
    events.router,
    logs.router,
    artifacts.router,
    log_stream.router,
    workers.router,
    system.router,
    state.router,
    validate.router,
)
CORS_METHODS = ("GET", "POST")
CORS_HEADERS = ("Content-Type", "Idempotency-Key")


def create_app(parts: Parts) -> FastAPI:
    """The whole API over these parts; nothing runs until it is served."""
    app = bare_app(parts.settings)
    app.state.parts = parts
    return app


def bare_app(settings: ApiSettings) -> FastAPI:
    """The API without its parts: enough to describe it."""
    app = FastAPI(
        title="Headrace",
        summary="Workflows in YAML, run by scripts and people, watched live.",
        version=VERSION,
        generate_unique_id_function=_operation_id,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in ROUTERS:
        app.include_router(router)
    add_error_responses(app)
    app.add_middleware(CheckOrigin, allowed=settings.api_cors_origins)
    app.add_middleware(BodyLimit, limit_bytes=settings.api_body_bytes, archive_bytes=LARGEST_ARCHIVE_BYTES)
    app.add_middleware(RequestOwner, request_seconds=settings.api_request_seconds)
    if settings.api_cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.api_cors_origins,
            allow_methods=CORS_METHODS,
            allow_headers=CORS_HEADERS,
        )
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
