"""The JSON Schema of workflow files, for editors; `python -m shared.definition.schema` writes docs/generated."""

from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.definition.action_types import ACTION_TYPES
from shared.definition.connection_models import ConnectionProperty
from shared.definition.keys import (
    FEATURES_OF_ACTION_KEYS,
    FEATURES_OF_FILE_KEYS,
    FEATURES_OF_STEP_KEYS,
    FEATURES_OF_TASK_KEYS,
    HOOK_LISTS,
)
from shared.definition.models import (
    ActionDefinition,
    HookDefinition,
    SchedulerTrigger,
    StepDefinition,
    TaskDefinition,
    WebhookTrigger,
)
from shared.definition.supported import is_open

TARGET = Path("docs/generated/workflow.schema.json")
_MODELS: tuple[type[BaseModel], ...] = (
    ActionDefinition,
    ConnectionProperty,
    HookDefinition,
    SchedulerTrigger,
    StepDefinition,
    TaskDefinition,
    WebhookTrigger,
)
_FORMAT = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
_REFERENCE = {"type": "string", "pattern": r"^ref\+(env|file)://.+$"}
_FEATURES = {
    "ActionDefinition": FEATURES_OF_ACTION_KEYS,
    "StepDefinition": FEATURES_OF_STEP_KEYS,
    "TaskDefinition": FEATURES_OF_TASK_KEYS,
}
_NOT_WRITTEN = {"TaskDefinition": {"errors"}}


def workflow_schema() -> dict[str, Any]:
    """The schema of one workflow file, with what this release carries out."""
    _, found = models_json_schema([(model, "validation") for model in _MODELS], ref_template="#/$defs/{model}")
    definitions = found["$defs"]
    for name, model in definitions.items():
        model["additionalProperties"] = False
        closed = {key for key, feature in _FEATURES.get(name, {}).items() if not is_open(feature)}
        for key in closed | _NOT_WRITTEN.get(name, set()):
            model["properties"].pop(key, None)
    _name_types(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Headrace workflow file",
        "type": "object",
        "additionalProperties": False,
        "properties": {key: value for key, value in _file_keys().items() if _is_taken(key)},
        "$defs": definitions,
    }


def schema_text() -> bytes:
    """The schema as it is kept and served."""
    return orjson.dumps(
        workflow_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    )


def _file_keys() -> dict[str, Any]:
    trigger = {"oneOf": [_of("SchedulerTrigger"), _of("WebhookTrigger")]}
    secrets = {"type": "object", "additionalProperties": _REFERENCE}
    properties = {"type": "object", "additionalProperties": _of("ConnectionProperty")}
    connection = {"type": "object", "properties": {"type": {"type": "string"}}}
    return {
        "actions": _map_of(_of("ActionDefinition"), "Reusable units of work."),
        "tasks": _map_of(_of("TaskDefinition"), "What jobs are made of."),
        "triggers": _map_of(trigger, "What starts tasks by itself."),
        "secrets": {**secrets, "description": "Where secrets are kept: `ref+env://NAME` or `ref+file://PATH`."},
        "connection_types": _map_of(properties, "What connections of a type hold."),
        "connections": _map_of(connection, "Named values, picked by an input's type: `{type, …values}`."),
        **{key: _hooks(key) for key in HOOK_LISTS},
    }


def _is_taken(key: str) -> bool:
    return key not in FEATURES_OF_FILE_KEYS or is_open(FEATURES_OF_FILE_KEYS[key])


def _hooks(key: str) -> dict[str, Any]:
    told = f"The `{key}` hooks of tasks that have none of their own."
    return {"type": "array", "items": _of("HookDefinition"), "description": told}


def _name_types(definitions: dict[str, Any]) -> None:
    kinds = [name for name, kind in ACTION_TYPES.items() if kind.feature is None or is_open(kind.feature)]
    definitions["ActionDefinition"]["properties"]["type"]["enum"] = kinds
    step = definitions["StepDefinition"]
    step["properties"]["type"] = {"enum": kinds, "description": step["properties"]["type"]["description"]}
    step["oneOf"] = [{"required": ["action"]}, {"required": ["type"]}]


def _map_of(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema, "description": description}


def _of(model: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{model}"}


if __name__ == "__main__":
    TARGET.write_bytes(schema_text())
