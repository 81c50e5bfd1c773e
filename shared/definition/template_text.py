"""How a value looks in the text of a template."""

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite, isnan
from typing import Any

from jinja2 import Undefined

from shared.definition.template_limits import check_length


def to_text(value: Any) -> str:
    """The value as the contract writes it.

    null is empty, booleans are `true` and `false`, `1.0` is `1`, a list is `[a, b]` with bare texts, a map `[object]`.
    Source: Strøm, templating, rendering rules.

    Raises:
        UndefinedError: the value is undefined.
        TooMuch: the text would be too long.
        TypeError: not a JSON value.
    """
    if isinstance(value, Undefined):
        return str(value)
    if isinstance(value, (list, tuple)):
        return _list_to_text(value)
    return _scalar_to_text(value)


def _scalar_to_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return float_to_text(value)
    if isinstance(value, Mapping):
        return "[object]"
    raise TypeError(f"a {type(value).__name__} has no text")


def float_to_text(value: float) -> str:
    """Shortest digits that read back the same, never an exponent: `1.0` is `1`, `1e-7` is `0.0000001`."""
    if not isfinite(value):
        return "NaN" if isnan(value) else ("inf" if value > 0 else "-inf")
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def _list_to_text(values: list[Any] | tuple[Any, ...]) -> str:
    parts = []
    length = 2
    for value in values:
        part = to_text(value)
        length += len(part) + 2
        check_length(length)
        parts.append(part)
    return f"[{', '.join(parts)}]"
