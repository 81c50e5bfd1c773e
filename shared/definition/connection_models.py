"""Connections and their types, as every service reads them."""

from typing import Any

from pydantic import Field

from shared.definition.part import Part


class ConnectionProperty(Part):
    """A value that the connections of a type have."""

    type: str = "string"
    """string, text, integer, number, boolean, date or datetime."""
    required: bool = False
    """Whether each connection has to have it."""
    default: Any = None
    """The value of connections that have none."""
    secret: bool = False
    """Whether only a secret may be written."""


class ConnectionDefinition(Part):
    """A named bundle of values, those of secrets as templates over `secret`; without a type it fits every field."""

    type: str | None = None
    values: dict[str, Any] = Field(default_factory=dict)
