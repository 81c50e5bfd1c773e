"""Reads a JSON request body: small, shallow, and what MongoDB can keep."""

from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request

from shared.errors import InvalidInput

DEPTH = 64  # MongoDB nests at most 100 levels, and the job wraps the input in some
INT_LIMIT = 2**63  # BSON's widest integer


async def read_json(request: Request) -> Any:
    """The body's JSON value, None when there is no body.

    Raises:
        InvalidInput: not JSON, nested deeper than 64, a number that does not fit 64 bits, a NUL in a key.
        HTTPException: 415, a body that does not say that it is JSON; 413, too large.
    """
    body = await request.body()
    if not body.strip():
        return None
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise HTTPException(415, "The body must be application/json")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The body is not valid JSON: {error}") from None
    check_value(value)
    return value


def check_value(value: Any) -> None:
    """Whether a JSON value is shallow and its numbers and keys can be kept.

    Raises:
        InvalidInput: as `read_json`.
    """
    level: list[tuple[str, Any]] = [("body", value)]
    depth = 0
    while level:
        depth += 1
        if depth > DEPTH:
            raise InvalidInput(f"The body is nested deeper than {DEPTH} levels")
        level = [inner for path, outer in level for inner in _inside(path, outer)]


def _inside(path: str, value: Any) -> list[tuple[str, Any]]:
    """The containers directly inside of a value, once its numbers and keys are seen to fit."""
    if isinstance(value, dict):
        items = [(f"{path}.{key}", item) for key, item in value.items()]
        if any("\0" in key for key in value):
            raise InvalidInput(f"{path}: a key holds a NUL character")
    elif isinstance(value, list):
        items = [(f"{path}.{index}", item) for index, item in enumerate(value)]
    else:
        items = [(path, value)]
    for place, item in items:
        if isinstance(item, int) and not -INT_LIMIT <= item < INT_LIMIT:
            raise InvalidInput(
                f"{place}: the number does not fit 64 bits", problems=[{"loc": place, "msg": "too large"}]
            )
    return [(place, item) for place, item in items if isinstance(item, dict | list)]
