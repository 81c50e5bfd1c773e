"""Actions that are written inside a step."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from pydantic import ValidationError

from shared.definition.field_types import TYPES
from shared.definition.keys import INPUT_KEYS
from shared.definition.models import ActionBody, ActionDefinition, InputField, StepDefinition


def split_inline_input(
    written: Mapping[str, Any], types: AbstractSet[str] = frozenset()
) -> tuple[dict[str, InputField], dict[str, Any]]:
    """An inline step's `input`: what looks like a declared input, and the values; `types` are those of connections.

    `{"n": {"type": "integer", "default": 3}, "x": "{{ input.x }}"}` declares `n` and gives `x`.
    """
    fields: dict[str, InputField] = {}
    values: dict[str, Any] = {}
    for name, value in written.items():
        field = _as_field(value, types)
        if field is None:
            values[name] = value
        else:
            fields[name] = field
    return fields, values


def inline_name(task: str, step: str) -> str:
    """The hidden action's name: `_inline:{task}:{step}`."""
    return f"_inline:{task}:{step}"


def inline_action(step: StepDefinition, types: AbstractSet[str] = frozenset()) -> ActionDefinition:
    """The hidden action of an inline step."""
    fields, _ = split_inline_input(step.input, types)
    body = {key: getattr(step, key) for key in ActionBody.model_fields}
    return ActionDefinition(type=step.type or "", input=fields, **body)


def _as_field(value: Any, types: AbstractSet[str]) -> InputField | None:
    if not isinstance(value, dict) or not set(value) <= INPUT_KEYS:
        return None
    kind = value.get("type")
    if not isinstance(kind, str) or (kind not in TYPES and kind not in types):
        return None
    try:
        return InputField.model_validate(value)
    except ValidationError:
        return None
