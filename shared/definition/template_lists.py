"""What templates do with lists and maps."""

import json
from collections.abc import Mapping
from typing import Any

from shared.definition.template_limits import check_length
from shared.definition.template_text import to_text


def length(value: Any) -> int:
    """Characters, items or keys."""
    if not isinstance(value, (str, list, tuple, Mapping)):
        raise TypeError("`length` needs a text, a list or a map")
    return len(value)


def join(values: Any, d: Any = "", attribute: str | None = None, *, sep: Any = None) -> str:
    """The items as one text."""
    between = to_text(d if sep is None else sep)
    texts = [to_text(value) for value in parts_of(items_of(values), attribute)]
    check_length(sum(len(text) for text in texts) + len(between) * len(texts))
    return between.join(texts)


def first(values: Any) -> Any:
    """The first item; of an empty list "" (Tera)."""
    return values[0] if items_of(values) else ""


def last(values: Any) -> Any:
    """The last item; of an empty list "" (Tera)."""
    return values[-1] if items_of(values) else ""


def nth(values: Any, n: int = 0) -> Any:
    """Item `n`, from 0; "" beyond the end (Tera)."""
    items = items_of(values)
    return items[n] if 0 <= n < len(items) else ""


def get(value: Any, key: str, default: Any = None) -> Any:
    """A map's value."""
    if not isinstance(value, Mapping):
        raise TypeError("`get` needs a map")
    if key not in value and default is None:
        raise KeyError(f"no key '{key}'")
    return value.get(key, default)


def sort(values: Any, reverse: Any = False, attribute: str | None = None) -> list[Any]:  # noqa: FBT002 - Jinja's own
    """The items in order, by `attribute` if given."""
    return sorted(items_of(values), key=lambda item: part_of(item, attribute), reverse=bool(reverse))


def unique(values: Any, attribute: str | None = None) -> list[Any]:
    """The items without repeats, first ones kept."""
    seen: dict[str, Any] = {}
    for item in items_of(values):
        seen.setdefault(json.dumps(part_of(item, attribute), sort_keys=True), item)
    return list(seen.values())


def slice_items(values: Any, start: int | None = None, end: int | None = None) -> list[Any]:
    """The items from `start` up to `end`."""
    return items_of(values)[start:end]


def concat(values: Any, with_: Any = None, **named: Any) -> list[Any]:
    """The items and then `with=`."""
    more = named.get("with", with_)
    return [*items_of(values), *(more if isinstance(more, (list, tuple)) else [more])]


def keep(values: Any, attribute: str, value: Any = None) -> list[Any]:
    """The items whose `attribute` is `value` (without `value`: is not null)."""
    parts = ((item, part_of(item, attribute)) for item in items_of(values))
    return [item for item, part in parts if (part == value if value is not None else part is not None)]


def items_of(values: Any) -> list[Any]:
    """The items of a list, the characters of a text."""
    if not isinstance(values, (list, tuple, str)):
        raise TypeError("the filter needs a list")
    return list(values)


def part_of(item: Any, attribute: str | None) -> Any:
    """The value at a dotted path inside an item; None if there is none."""
    for name in attribute.split(".") if attribute else ():
        item = item.get(name) if isinstance(item, Mapping) else None
    return item


def parts_of(values: list[Any], attribute: str | None = None) -> list[Any]:
    """Each item's part."""
    return [part_of(item, attribute) for item in values]


def number_of(value: Any) -> int | float:
    """The number itself, nothing else."""
    if not isinstance(value, (int, float)):
        raise TypeError("the filter needs a number")
    return value


def map_of(value: Any) -> Mapping[str, Any]:
    """The map itself, nothing else."""
    if not isinstance(value, Mapping):
        raise TypeError("the filter needs a map")
    return value
