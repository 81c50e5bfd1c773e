"""Checks connection types and connections."""

import re
from collections.abc import Mapping
from hashlib import blake2s
from typing import Any

from shared.definition.check_secrets import ADVICE, REFERENCE
from shared.definition.check_templates import RENDERER, check_template
from shared.definition.connection_models import ConnectionDefinition, ConnectionProperty
from shared.definition.field_types import TYPES, misfit
from shared.definition.keys import PROPERTY_KEYS, check_keys
from shared.definition.models import InputField
from shared.definition.names import check_name
from shared.definition.read_part import read_maps, read_part
from shared.definition.report import Place, Report, suggest
from shared.definition.sealed import Seal, with_secrets
from shared.definition.supported import is_open
from shared.definition.templates import has_template
from shared.engine.decision import RenderFailed

ConnectionType = dict[str, ConnectionProperty]
_RESERVED = TYPES.keys() | {"array", "object"}
_SECRET = re.compile(r"\{\{-?\s*secret\.[A-Za-z_][A-Za-z0-9_]*\s*-?\}\}", re.ASCII)
_KNOWN = frozenset({"secret"})


def check_connection_types(report: Report, places: Mapping[str, Place]) -> dict[str, ConnectionType]:
    """The types that could be read, `{type: {property: what it is}}`."""
    if not is_open("connections"):
        return {}
    found: dict[str, ConnectionType] = {}
    for name, place in places.items():
        check_name(report, place, "connection type", name)
        if name in _RESERVED:
            report.error(place, f"'{name}' is the name of an input type", fix="name it differently", is_key=True)
            continue
        properties = {key: _property(report, spot, key) for key, spot in read_maps(report, place, name).items()}
        found[name] = {key: one for key, one in properties.items() if one is not None}
    return found


def check_connections(
    report: Report, places: Mapping[str, Place], types: Mapping[str, ConnectionType]
) -> tuple[dict[str, ConnectionDefinition], dict[str, str]]:
    """The connections without errors, and `{name: reference}` of the secrets that stand in them.

    The types' names are noted in `report` for inputs.
    """
    if not is_open("connections"):
        return {}, {}
    report.types = frozenset(types)
    found: dict[str, ConnectionDefinition] = {}
    hidden: dict[str, str] = {}
    for name, place in places.items():
        before = len(report.problems)
        values, kind = _check_connection(report, name, place, types)
        if not any(problem.is_error for problem in report.problems[before:]):
            found[name] = ConnectionDefinition(type=kind, values=_hide(values, hidden))
    return found, hidden


def _property(report: Report, place: Place, key: str) -> ConnectionProperty | None:
    check_keys(report, place, PROPERTY_KEYS)
    found = read_part(ConnectionProperty, place.data, report, place)
    if found is None:
        return None
    if key == "type":
        report.error(place, "a property can't be called 'type', which names a connection's type", is_key=True)
        return None
    if found.type not in TYPES:
        report.error(place.down("type"), f"unknown type '{found.type}'", fix=suggest(found.type, TYPES))
        return None
    if found.default is not None:
        wrong = _misfit(found, key, found.default)
        if wrong:
            report.error(place.down("default"), wrong[0], fix=wrong[1])
    return found


def _check_connection(
    report: Report, name: str, place: Place, types: Mapping[str, ConnectionType]
) -> tuple[dict[str, Any], str | None]:
    """Its values, defaults included, and its type."""
    check_name(report, place, "connection", name)
    values = {key: value for key, value in place.data.items() if key != "type"}
    for key, value in values.items():
        _check_texts(report, place.down(key), value)
    kind = place.data.get("type")
    if kind is None:
        return values, None
    if not isinstance(kind, str) or kind not in types:
        report.error(place.down("type"), f"unknown connection type '{kind}'", fix=suggest(str(kind), types))
        return values, None
    for key in values:
        if key not in types[kind]:
            told = f"the connection type '{kind}' has no '{key}'"
            report.warn(place.down(key), told, fix=suggest(key, types[kind]), is_key=True)
    for key, one in types[kind].items():
        _check_value(report, place, key, one, values)
    return values, kind


def _check_value(report: Report, place: Place, key: str, declared: ConnectionProperty, values: dict[str, Any]) -> None:
    """Check one property's value, or fill in the default."""
    value = values.get(key)
    if value is None and declared.default is not None:
        values[key] = declared.default
        wrong_default = _trial(report, declared.default)
        if wrong_default:
            report.error(place, f"the default of `{key}` can't be used: {wrong_default}", is_key=True)
    elif value is None and declared.required:
        report.error(place, f"`{key}` is missing", is_key=True)
    elif value == "" and declared.required:
        report.error(place.down(key), f"`{key}` is empty")
    elif value is not None:
        wrong = _misfit(declared, key, value)
        if wrong:
            report.error(place.down(key), wrong[0], fix=wrong[1])


def _misfit(declared: ConnectionProperty, key: str, value: Any) -> tuple[str, str | None] | None:
    """What is wrong with the value of a property, and the mending."""
    is_text = isinstance(value, str)
    is_reference = is_text and REFERENCE.fullmatch(value) is not None
    if declared.secret and value != "" and not (is_reference or (is_text and _SECRET.fullmatch(value))):
        fix = "write `{{ secret.NAME }}`, or `ref+env://NAME` and give the value to the workers"
        return f"the value of `{key}` stands in the file for all to read", fix
    if is_reference or (is_text and has_template(value)):
        return None
    wrong = misfit(InputField(type=declared.type), value)
    return (f"`{key}` {wrong}", None) if wrong else None


def _check_texts(report: Report, place: Place, value: Any) -> None:
    """Every text in a connection's value: a template over `secret`, a reference, or just a text."""
    if isinstance(value, str) and value.startswith("ref+") and not REFERENCE.fullmatch(value):
        report.error(place, "the value is kept in a way that is not supported", fix=ADVICE)
    elif isinstance(value, str):
        before = len(report.problems)
        check_template(report, place, _KNOWN)
        wrong = _trial(report, value)
        if wrong and not any(problem.is_error for problem in report.problems[before:]):
            report.error(place, f"the value can't be rendered: {wrong}")
    elif isinstance(value, (list, dict)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            _check_texts(report, place.down(key), item)


def _trial(report: Report, value: Any) -> str | None:
    """Why the value's template would not render; None if it does, or is none."""
    if not isinstance(value, str) or not has_template(value):
        return None
    try:
        RENDERER.render(with_secrets(value, Seal("", dict.fromkeys(report.secrets, ""))), {})
    except RenderFailed as error:
        return error.message
    return None


def _hide(value: Any, hidden: dict[str, str]) -> Any:
    """The value with a template of a secret in place of each reference; these secrets are added to `hidden`."""
    if isinstance(value, dict):
        return {key: _hide(item, hidden) for key, item in value.items()}
    if isinstance(value, list):
        return [_hide(item, hidden) for item in value]
    if not isinstance(value, str) or not REFERENCE.fullmatch(value):
        return value
    name = f"_connection_{blake2s(value.encode()).hexdigest()[:16]}"
    hidden[name] = value
    return f"{{{{ secret.{name} }}}}"
