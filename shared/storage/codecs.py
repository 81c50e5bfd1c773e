"""How a field is written and read, by its declared type: a new field of a job or step needs nothing here."""

from collections.abc import Callable, Collection
from dataclasses import MISSING, fields
from datetime import datetime
from enum import StrEnum
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from shared.storage.json_text import dump_json, load_json

Codec = tuple[Callable[[Any], Any], Callable[[Any], Any]]
"""To what the database keeps, and back."""


def to_millis(at: datetime) -> datetime:
    """The time cut to the millisecond."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def find_codecs(kind: type, *, apart: Collection[str] = ()) -> dict[str, Codec]:
    """The codec of each field of a dataclass but those `apart`."""
    hints = get_type_hints(kind)
    return {field.name: _find_codec(hints[field.name]) for field in fields(kind) if field.name not in apart}


def find_defaults(kind: type) -> dict[str, Any]:
    """The default of each field of a dataclass; a factory's is made once, to compare with."""
    return {
        field.name: field.default if field.default_factory is MISSING else field.default_factory()
        for field in fields(kind)
    }


def find_texts(kind: type, *, apart: Collection[str] = ()) -> frozenset[str]:
    """The fields that are kept as JSON text, but those `apart`."""
    codecs = find_codecs(kind, apart=apart)
    return frozenset(name for name, (encode, _) in codecs.items() if encode in (dump_json, _dump_rows))


def _find_codec(hint: Any) -> Codec:
    kinds = [one for one in get_args(hint) if one is not NoneType] if NoneType in get_args(hint) else [hint]
    kind = kinds[0]
    if kind is datetime:
        return to_millis, to_millis
    if kind in (str, int, bool):
        return kind, kind
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return str, kind
    if get_origin(kind) is tuple:
        return _dump_rows, _load_rows
    return dump_json, load_json


def _dump_rows(rows: tuple[Any, ...]) -> str:
    return dump_json(list(rows))


def _load_rows(text: str) -> tuple[Any, ...]:
    return tuple(load_json(text))
