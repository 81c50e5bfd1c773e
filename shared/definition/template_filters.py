"""The filters and tests of templates: Tera's and Jinja's spellings of what is safe."""

import json
import math
import shlex
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import quote as percent_encode

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

from shared.definition.template_limits import budget_of, check_length, size_of
from shared.definition.template_lists import (
    concat,
    first,
    get,
    items_of,
    join,
    keep,
    last,
    length,
    map_of,
    nth,
    number_of,
    parts_of,
    slice_items,
    sort,
    unique,
)
from shared.definition.template_text import to_text

Filter = Callable[..., Any]
_PLAIN = "default"
"""The one filter that may see an undefined value."""


def default(value: Any, /, fallback: Any = "", boolean: Any = False, **named: Any) -> Any:  # noqa: FBT002 - Jinja's own
    """The value, or `value=` where it is undefined; with `boolean` also where it is false or empty."""
    fallback = named.get("value", named.get("default_value", fallback))
    is_missing = isinstance(value, Undefined) or (boolean and not value)
    return fallback if is_missing else value


def json_encode(value: Any, pretty: Any = False, indent: int | None = None) -> str:  # noqa: FBT002 - Tera's own
    """JSON text; compact as Tera writes it, `pretty=true` with two blanks."""
    if pretty or indent:
        return json.dumps(value, ensure_ascii=False, indent=min(int(indent or 2), 8))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def replace(value: Any, old: Any = "", new: Any = "", count: int = -1, **named: Any) -> str:
    """Every `from` becomes `to`."""
    text, old, new = to_text(value), to_text(named.get("from", old)), to_text(named.get("to", new))
    check_length(len(text) + (text.count(old) * len(new)))
    return text.replace(old, new, count)


def split(value: Any, pattern: Any = None, *, pat: Any = None) -> list[str]:
    """The parts between `pat`, or between blanks."""
    between = pat if pat is not None else pattern
    return to_text(value).split(to_text(between) if between else None)


def truncate(value: Any, length: int = 255, end: str = "…") -> str:
    """At most `length` characters, then `end`."""
    text = to_text(value)
    return text if len(text) <= length else text[:length] + to_text(end)


def indent(value: Any, width: int = 4, first: Any = False, *, prefix: str | None = None) -> str:  # noqa: FBT002
    """Every line but the first begins with blanks, or with `prefix`."""
    text = to_text(value)
    margin = prefix if prefix is not None else " " * min(max(width, 0), 256)
    check_length(len(text) + (text.count("\n") + 1) * len(margin))
    return (margin if first else "") + text.replace("\n", "\n" + margin)


def round_number(value: Any, precision: Any = 0, method: str = "common") -> float | int:
    """To `precision` places; `common` rounds halves away from zero, also `ceil` and `floor`."""
    if isinstance(precision, str):
        precision, method = 0, precision
    scale: float = 10 ** min(max(int(precision), 0), 15)
    scaled = number_of(value) * scale
    ways = {"ceil": math.ceil, "floor": math.floor}
    whole = ways[method](scaled) if method in ways else math.copysign(math.floor(abs(scaled) + 0.5), scaled)
    return whole / scale


def to_int(value: Any, default: int = 0) -> int:
    """A whole number; `default` where it is none."""
    try:
        return int(float(value)) if isinstance(value, str) and "." in value else int(value)
    except (TypeError, ValueError, OverflowError):
        return default


def to_float(value: Any, default: float = 0.0) -> float:
    """A number; `default` where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


def _text(change: Callable[[str], Any]) -> Filter:
    return lambda value: change(to_text(value))


def _metered(name: str, plain: Filter) -> Filter:
    @pass_context
    @wraps(plain)
    def metered(context: Context, value: Any, /, *args: Any, **named: Any) -> Any:
        if name not in (_PLAIN, "d") and isinstance(value, Undefined):
            str(value)
        budget_of(context).spend(size_of(value))
        result = plain(value, *args, **named)
        budget_of(context).spend(size_of(result))
        return result

    return metered


_PLAIN_FILTERS: dict[str, Filter] = {
    "default": default,
    "d": default,
    "json_encode": json_encode,
    "tojson": json_encode,
    "length": length,
    "count": length,
    "join": join,
    "replace": replace,
    "split": split,
    "first": first,
    "last": last,
    "nth": nth,
    "get": get,
    "truncate": truncate,
    "indent": indent,
    "round": round_number,
    "int": to_int,
    "float": to_float,
    "sort": sort,
    "unique": unique,
    "slice": slice_items,
    "concat": concat,
    "filter": keep,
    "map": lambda values, attribute: parts_of(items_of(values), attribute),
    "reverse": lambda value: value[::-1] if isinstance(value, str) else items_of(value)[::-1],
    "sum": lambda values, attribute=None: sum(number_of(part) for part in parts_of(items_of(values), attribute)),
    "min": lambda values, attribute=None: min(parts_of(items_of(values), attribute)),
    "max": lambda values, attribute=None: max(parts_of(items_of(values), attribute)),
    "abs": lambda value: abs(number_of(value)),
    "keys": lambda value: list(map_of(value)),
    "values": lambda value: list(map_of(value).values()),
    "items": lambda value: [[key, item] for key, item in map_of(value).items()],
    "list": lambda value: list(value) if isinstance(value, Mapping) else items_of(value),
    "upper": _text(str.upper),
    "lower": _text(str.lower),
    "title": _text(str.title),
    "capitalize": _text(str.capitalize),
    "trim": _text(str.strip),
    "trim_start": _text(str.lstrip),
    "trim_end": _text(str.rstrip),
    "wordcount": _text(lambda text: len(text.split())),
    "string": _text(str),
    "as_str": _text(str),
    "quote": _text(shlex.quote),
    "urlencode": _text(lambda text: percent_encode(text, safe="/")),
    "urlencode_strict": _text(lambda text: percent_encode(text, safe="")),
}

FILTERS: dict[str, Filter] = {name: _metered(name, plain) for name, plain in _PLAIN_FILTERS.items()}
"""Every filter there is; `quote` makes a text safe as one word of a shell command."""

TESTS: dict[str, Filter] = {
    "defined": lambda value: not isinstance(value, Undefined),
    "undefined": lambda value: isinstance(value, Undefined),
    "none": lambda value: value is None,
    "null": lambda value: value is None,
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, float),
    "boolean": lambda value: isinstance(value, bool),
    "mapping": lambda value: isinstance(value, Mapping),
    "object": lambda value: isinstance(value, Mapping),
    "iterable": lambda value: isinstance(value, (list, tuple, str, Mapping)),
    "sequence": lambda value: isinstance(value, (list, tuple, str)),
    "odd": lambda value: number_of(value) % 2 == 1,
    "even": lambda value: number_of(value) % 2 == 0,
    "divisibleby": lambda value, number: number_of(value) % number == 0,
    "containing": lambda value, part: part in value,
    "in": lambda value, values: value in values,
    "starting_with": lambda value, start: to_text(value).startswith(start),
    "ending_with": lambda value, end: to_text(value).endswith(end),
    "true": lambda value: value is True,
    "false": lambda value: value is False,
}
"""Every `is` test there is."""
