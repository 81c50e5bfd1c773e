"""A webhook's call as a job's input: what was sent, without what proves who sent it."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request

from services.api.json_body import check_value
from services.api.webhook_signatures import SIGNED_BY

OWN_INPUT = frozenset({"body", "headers", "method", "query"})
"""What each webhook's job gets, declared or not; a trigger's own `input` can't replace it."""

CREDENTIALS = SIGNED_BY | {
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "x-gitlab-token",
    "x-auth-token",
}
"""Headers that are not kept in a job."""

_IN_HEADERS = {"github": "x-github-delivery", "standard-webhooks": "webhook-id"}
_IN_BODIES = {"stripe": "id", "slack": "event_id"}
_ANYBODY = "idempotency-key"


def read_body(request: Request, raw: bytes) -> Any:
    """The JSON value of a body that says to be JSON and is, else its text; None without one, and for a GET.

    Raises:
        InvalidInput: JSON that is nested too deep, or has a number that does not fit 64 bits.
    """
    if request.method == "GET" or not raw:
        return None
    if "json" in request.headers.get("content-type", "").lower():
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return raw.decode("utf-8", "replace")
        check_value(value)
        return value
    return raw.decode("utf-8", "replace")


def to_input(request: Request, body: Any, own: Mapping[str, Any]) -> dict[str, Any]:
    """The job's input: the trigger's own with `body`, `headers`, `method` and `query`."""
    return {
        **own,
        "body": body,
        "headers": {name: value for name, value in headers_of(request).items() if name not in CREDENTIALS},
        "method": request.method,
        "query": {name: value for name, value in request.query_params.items() if name != "secret"},
    }


def headers_of(request: Request) -> dict[str, str]:
    """Headers by their lower-case names; one that comes twice is joined."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def delivery_id(scheme: str | None, headers: Mapping[str, str], body: Any) -> str | None:
    """What the sender calls this delivery, the same when it sends it again; never a hash of the body.

    Two calls that say the same are two calls, unless they say that they are one.
    """
    if scheme in _IN_BODIES and isinstance(body, dict):
        told = body.get(_IN_BODIES[scheme])
        return told if isinstance(told, str) and told else None
    names = [_IN_HEADERS[scheme]] if scheme in _IN_HEADERS else list(_IN_HEADERS.values())
    return next((headers[name] for name in (*names, _ANYBODY) if headers.get(name)), None)
