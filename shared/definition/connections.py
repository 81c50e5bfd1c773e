"""The connections that inputs may name, with tokens in place of secrets."""

from collections.abc import Mapping
from typing import Any

from shared.definition.connection_models import ConnectionDefinition
from shared.definition.field_types import TYPES
from shared.definition.models import InputField, WorkspaceDefinition
from shared.definition.sealed import Seal, with_secrets
from shared.definition.templates import JinjaRenderer, has_template

_RENDERER = JinjaRenderer()


def connections_for(definition: WorkspaceDefinition, fields: Mapping[str, InputField]) -> dict[str, Any]:
    """`{type: {name: values, or None of a connection of another type}}` for the fields' connection types.

    A connection without a type fits every field.
    """
    return {
        kind: {
            name: _values(definition, connection) if connection.type in (kind, None) else None
            for name, connection in definition.connections.items()
        }
        for kind in _kinds(fields)
    }


def names_for(definition: WorkspaceDefinition, fields: Mapping[str, InputField]) -> dict[str, list[str]]:
    """`{type: [names]}`: what people may choose from, for the fields' connection types."""
    return {
        kind: sorted(name for name, one in definition.connections.items() if one.type in (kind, None))
        for kind in _kinds(fields)
    }


def _kinds(fields: Mapping[str, InputField]) -> list[str]:
    return sorted({field.type for field in fields.values()} - TYPES.keys())


def _values(definition: WorkspaceDefinition, connection: ConnectionDefinition) -> dict[str, Any]:
    seal = Seal(definition.seal_nonce, definition.secrets)
    return {key: _sealed(seal, value) for key, value in connection.values.items()}


def _sealed(seal: Seal, value: Any) -> Any:
    """The value with every template in it rendered; these are templates over `secret` alone."""
    if isinstance(value, Mapping):
        return {key: _sealed(seal, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_sealed(seal, item) for item in value]
    return _RENDERER.render(with_secrets(value, seal), {}) if isinstance(value, str) and has_template(value) else value
