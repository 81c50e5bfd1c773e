"""A part of a file to its model, with what does not fit told at its place."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared.definition.report import Place, Report

Read = TypeVar("Read", bound=BaseModel)

_SENTENCES = {
    "missing": "`{key}` is missing",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be a map",
}


def read_part(model: type[Read], data: dict[str, Any], report: Report, place: Place) -> Read | None:
    """The model of `data`, which stands at `place`; None with problems if it does not fit."""
    try:
        return model.model_validate(data)
    except ValidationError as failure:
        for error in failure.errors(include_url=False):
            _tell(error, report, place)
        return None


def read_maps(report: Report, place: Place, what: str) -> dict[str, Place]:
    """The places of a map's values by key, where the value is a map itself; the others are told."""
    if not isinstance(place.data, dict):
        if place.data is not None:
            report.error(place, f"`{what}` must be a map")
        return {}
    found = {}
    for key, value in place.data.items():
        if isinstance(value, dict):
            found[key] = place.down(key)
        else:
            report.error(place.down(key), f"'{key}' must be a map")
    return found


def _tell(error: Any, report: Report, place: Place) -> None:
    path = tuple(part for part in error["loc"] if part != "[key]")
    kind = str(error["type"])
    message = _SENTENCES.get(kind) or _plain(error["msg"])
    if kind == "missing":
        report.error(place.down(*path[:-1]), message.format(key=path[-1]), is_key=True)
        return
    fix = None
    value = error.get("input")
    if kind == "string_type" and isinstance(value, (bool, int, float)):
        fix = f'write "{str(value).lower()}" with quotes'
    report.error(place.down(*path), f"`{path[-1]}` {message}" if path else message, fix=fix)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "must be")
