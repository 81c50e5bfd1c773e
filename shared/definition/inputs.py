"""A job's input: what the caller sent, checked against what the task declares, defaults filled in."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from shared.definition.field_types import misfit
from shared.definition.models import InputField
from shared.definition.report import suggest
from shared.definition.templates import JinjaRenderer
from shared.engine.connections import connect
from shared.engine.decision import RenderFailed
from shared.errors import InvalidInput

_RENDERER = JinjaRenderer()
_NONE: Mapping[str, Any] = MappingProxyType({})


def resolve_input(
    fields: Mapping[str, InputField], raw: Mapping[str, Any], connections: Mapping[str, Any] = _NONE
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The job's input and warnings; inputs that the task does not declare are kept, each with a warning.

    JSON types must match: the text "5" is no integer; 5.0 becomes 5. null counts as given, where nothing is required.
    The name of a connection becomes its values; `connections` is as `connections_for` says.

    Raises:
        InvalidInput: `problems` names each field that is missing or does not fit.
    """
    if not isinstance(raw, Mapping):
        raise InvalidInput("the input must be an object", problems=[{"loc": "input", "msg": "must be an object"}])
    problems: list[dict[str, str]] = []
    resolved = dict(raw)
    for name, field in fields.items():
        try:
            _resolve(name, field, resolved, connections)
        except _Misfit as error:
            problems.append({"loc": f"input.{name}", "msg": str(error)})
    if problems:
        told = "; ".join(f"{problem['loc']} {_sentence(problem['msg'])}" for problem in problems)
        raise InvalidInput(f"invalid input: {told}", problems=problems)
    return resolved, _warnings(fields, raw)


class _Misfit(Exception):  # noqa: N818 - the broken fact
    """One field is wrong."""


def _resolve(name: str, field: InputField, resolved: dict[str, Any], connections: Mapping[str, Any]) -> None:
    """Fill in or check one field of `resolved`."""
    if name not in resolved and field.default is not None:
        resolved[name] = _default(field)
    value = resolved.get(name)
    if value is None:
        if field.required:
            raise _Misfit("required")
        return
    if field.type in connections:
        resolved[name] = _connect(name, field, value, connections)
        return
    wrong = misfit(field, value)
    if wrong:
        raise _Misfit(wrong)
    if field.type == "integer" and isinstance(value, float):
        resolved[name] = int(value)


def _connect(name: str, field: InputField, value: Any, connections: Mapping[str, Any]) -> Any:
    try:
        return connect(name, field.type, value, connections)
    except RenderFailed as error:
        raise _Misfit(error.message) from None


def _default(field: InputField) -> Any:
    try:
        return _RENDERER.render(field.default, {})
    except RenderFailed as error:
        raise _Misfit(f"has a default that can't be rendered: {error.message}") from error


def _sentence(message: str) -> str:
    return f"is {message}" if message == "required" else message


def _warnings(fields: Mapping[str, InputField], raw: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    for name in raw:
        if name not in fields:
            hint = suggest(name, fields)
            found.append(f"unknown input '{name}'" + (f" ({hint})" if hint else ""))
    return tuple(found)
