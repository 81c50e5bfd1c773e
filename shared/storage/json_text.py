"""JSON values as text: what users send never meets the database's own rules for keys, depth and integers."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from shared.errors import Rejected

_FALLBACK = " "
"""First character of texts that only the standard library reads without loss; JSON allows the blank."""


_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


def dump_json(value: Any) -> str:
    """The value as JSON text; integers of any size keep their digits, NaN and infinities become null as on the wire.

    Raises:
        Rejected: not a JSON value.
    """
    try:
        return orjson.dumps(value, default=_plain, option=_OPTIONS).decode()
    except TypeError:
        pass
    try:
        return _FALLBACK + json.dumps(value, default=_plain, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Rejected(f"not a JSON value: {error}") from error


def load_json(text: str) -> Any:
    """The value back."""
    return json.loads(text) if text.startswith(_FALLBACK) else orjson.loads(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
