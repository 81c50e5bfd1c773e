"""Which errors an endpoint may answer, for its OpenAPI description."""

from typing import Any

from services.api.models.problems import ProblemDetails

_TOLD = {
    400: "The request does not fit; `errors` names each field.",
    401: "The caller does not prove who it is.",
    404: "There is no such thing.",
    409: "It is in a state that does not allow this.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    429: "It was asked for a moment ago, see Retry-After.",
    503: "The database or the broker is away, see Retry-After.",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI responses for these statuses and 503."""
    return {status: {"model": ProblemDetails, "description": _TOLD[status]} for status in (*statuses, 503)}
