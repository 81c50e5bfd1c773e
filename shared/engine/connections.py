"""An input that is a connection: written as its name, seen as its values."""

from collections.abc import Mapping
from typing import Any

from shared.engine.decision import RenderFailed
from shared.engine.flow import Json


def connect(field: str, kind: str, value: Json, connections: Mapping[str, Any]) -> Json:
    """The value of a field that is declared with the type `kind`: of a connection's name, what the connection holds.

    `connections` is `{type: {name: values, or None of a connection of another type}}`. A map or nothing at all stays,
    and so does everything where `kind` is no connection type.

    Raises:
        RenderFailed: there is no such connection, or none of this type; or the value is no name.
    Source: Strøm, "Preparing a step's input".
    """
    if kind not in connections or value is None or isinstance(value, Mapping):
        return value
    if not isinstance(value, str):
        raise RenderFailed(f"Input field '{field}' must be the name of a connection")
    known = connections[kind]
    if value not in known:
        raise RenderFailed(f"Input field '{field}' references connection '{value}' which does not exist")
    if known[value] is None:
        raise RenderFailed(f"Input field '{field}' needs a connection of type '{kind}', '{value}' is of another type")
    return dict(known[value])
