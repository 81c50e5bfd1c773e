"""Which JSON values fit a declared input."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from shared.definition.models import InputField

TEXT_TYPES = frozenset({"string", "text"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_datetime(value: Any) -> bool:
    if not isinstance(value, str) or not _DATE.match(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


TYPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "string": (_is_text, "must be text"),
    "text": (_is_text, "must be text"),
    "integer": (_is_integer, "must be a whole number"),
    "number": (_is_number, "must be a number"),
    "boolean": (_is_boolean, "must be true or false"),
    "bool": (_is_boolean, "must be true or false"),
    "date": (_is_date, "must be a date like 2026-01-31"),
    "datetime": (_is_datetime, "must be a date and time like 2026-01-31T08:00:00Z"),
}
"""Each type's test and what to say when it fails. JSON types must match: the text "5" is no integer; 5.0 is one."""


def misfit(field: InputField, value: Any, *, ignore_options: bool = False) -> str | None:
    """Why the value does not fit the field; None if it does."""
    if field.multiple:
        if not isinstance(value, list):
            return "must be a list of texts"
        return next((wrong for one in value if (wrong := _misfit_one(field, one, ignore_options=ignore_options))), None)
    return _misfit_one(field, value, ignore_options=ignore_options)


def _misfit_one(field: InputField, value: Any, *, ignore_options: bool) -> str | None:
    is_fit, sentence = TYPES.get(field.type, (None, ""))
    if is_fit is None:
        return f"has the unknown type '{field.type}'"
    if not is_fit(value):
        return sentence
    if ignore_options or field.options is None or field.allow_custom or value in field.options:
        return None
    return f"must be one of {', '.join(field.options)}"
