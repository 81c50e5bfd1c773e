"""Which error gets which HTTP answer: the one table, and the one body."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from services.api.models.problems import FieldProblem, ProblemDetails
from shared.errors import Conflict, Contended, HeadraceError, InvalidInput, NotFound, Rejected, TooSoon, Unavailable
from shared.storage.state_archive import StateTooLarge

log = structlog.get_logger()

STATUSES: Mapping[type[HeadraceError], HTTPStatus] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    StateTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooSoon: HTTPStatus.TOO_MANY_REQUESTS,
    Rejected: HTTPStatus.BAD_REQUEST,
    Contended: HTTPStatus.SERVICE_UNAVAILABLE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    HeadraceError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The nearest class counts; what is missing here is our fault: 500."""

RETRY_AFTER_SECONDS = 2
SECRET_DETAIL = "Internal server error"  # noqa: S105 - what the caller reads instead of our innards
MOST_FIELD_PROBLEMS = 50
PROBLEM_MEDIA = "application/problem+json"


def status_of(error: HeadraceError) -> HTTPStatus:
    """The answer's status, by the nearest class in the table."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def problem(
    request: HTTPConnection,
    status: int,
    detail: str,
    *,
    code: str | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The error body as a response."""
    known = HTTPStatus(status)
    body = ProblemDetails(
        type=f"urn:headrace:error:{code or known.name.lower()}",
        title=known.phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        error=detail,
        errors=[FieldProblem(**one) for one in errors[:MOST_FIELD_PROBLEMS]] or None,
    )
    more = dict(headers or {})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        more.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    return Response(orjson.dumps(body.model_dump()), status, more, media_type=PROBLEM_MEDIA)


def answer_error(request: HTTPConnection, error: HeadraceError) -> Response:
    """An error of ours as a response; what is our fault is logged and not shown."""
    status = status_of(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request.failed", path=request.url.path, error=repr(error), exc_info=error, **error.context)
        return problem(request, status, SECRET_DETAIL)
    errors = error.problems if isinstance(error, InvalidInput) else ()
    headers = {"Retry-After": str(error.context["retry_after_seconds"])} if isinstance(error, TooSoon) else None
    return problem(request, status, error.message, code=error.code, errors=errors, headers=headers)


def answer_http(request: HTTPConnection, error: HTTPException) -> Response:
    """An error of the framework as a response: no such path, wrong method, too large."""
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = f"There is nothing at {request.url.path}"
    return problem(request, error.status_code, detail, headers=error.headers)


def answer_invalid(request: HTTPConnection, error: RequestValidationError) -> Response:
    """Query, path or header values that do not fit."""
    found = field_problems(error.errors())
    return problem(request, HTTPStatus.BAD_REQUEST, sentence_of(found), code="invalid_input", errors=found)


def field_problems(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Pydantic's errors as `loc` and `msg`."""
    return [{"loc": ".".join(str(part) for part in one["loc"]) or "body", "msg": str(one["msg"])} for one in errors]


def sentence_of(found: Sequence[Mapping[str, str]]) -> str:
    """All problems as one sentence that names each field."""
    return "; ".join(f"{one['loc']}: {one['msg']}" for one in found[:MOST_FIELD_PROBLEMS])


def add_error_responses(app: FastAPI) -> None:
    """Let the app answer every expected error with the one body."""

    async def on_error(request: Request, error: Exception) -> Response:
        if isinstance(error, HeadraceError):
            return answer_error(request, error)
        if isinstance(error, RequestValidationError):
            return answer_invalid(request, error)
        if isinstance(error, HTTPException):
            return answer_http(request, error)
        raise error

    for kind in (HeadraceError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, on_error)
