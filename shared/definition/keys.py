"""The keys that workspace files may have, and those of other releases."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType

from shared.definition.action_types import ACTION_TYPES, LATER_TYPES
from shared.definition.connection_models import ConnectionProperty
from shared.definition.models import (
    ActionDefinition,
    HookDefinition,
    InputField,
    Resources,
    RetryDefinition,
    SchedulerTrigger,
    StepDefinition,
    TaskDefinition,
    WebhookSignature,
    WebhookTrigger,
)
from shared.definition.report import Place, Report, suggest
from shared.definition.supported import is_open, refusal

_CONTAINER_KEYS = ("image", "cmd", "command", "entrypoint", "workdir", "resources")
_AGENT = {
    "provider",
    "model",
    "system_prompt",
    "prompt",
    "temperature",
    "max_tokens",
    "tools",
    "max_turns",
    "interactive",
}
HOOK_LISTS = ("on_success", "on_error", "on_cancel", "on_suspended")
FILE_KEYS = frozenset({"actions", "tasks", "triggers", "secrets", "connection_types", "connections", *HOOK_LISTS})
LATER_FILE_KEYS = frozenset({"mcp_servers"})
ACTION_KEYS = frozenset(ActionDefinition.model_fields)
LATER_ACTION_KEYS = frozenset({"manifest", *_AGENT})
STEP_KEYS = frozenset(StepDefinition.model_fields)
TASK_KEYS = frozenset(TaskDefinition.model_fields) - {"errors"}
LATER_TASK_KEYS = frozenset({"concurrency"})
RETRY_KEYS = frozenset(RetryDefinition.model_fields)
SCHEDULER_KEYS = frozenset(SchedulerTrigger.model_fields)
WEBHOOK_KEYS = frozenset(WebhookTrigger.model_fields)
SIGNATURE_KEYS = frozenset(WebhookSignature.model_fields)
RESOURCE_KEYS = frozenset(Resources.model_fields)
INPUT_KEYS = frozenset(InputField.model_fields)
PROPERTY_KEYS = frozenset(ConnectionProperty.model_fields)
HOOK_KEYS = frozenset(HookDefinition.model_fields)


_HOOK_FEATURES = {"on_cancel": "on_cancel", "on_suspended": "on_suspended"}
_LOOP_FEATURES = {"for_each": "loops", "sequential": "loops", "max_parallel": "loops"}
FEATURES_OF_ACTION_KEYS = {
    "retry": "retry",
    "dependencies": "dependencies",
    "approvers": "approvers",
    **dict.fromkeys(_CONTAINER_KEYS, "containers"),
}
FEATURES_OF_STEP_KEYS = {**FEATURES_OF_ACTION_KEYS, **_LOOP_FEATURES}
FEATURES_OF_TASK_KEYS = {"retry": "task retry", "max_parallel_steps": "max_parallel_steps", **_HOOK_FEATURES}
FEATURES_OF_FILE_KEYS = {
    "secrets": "secrets",
    "connections": "connections",
    "connection_types": "connections",
    **_HOOK_FEATURES,
}


def check_keys(
    report: Report,
    place: Place,
    known: AbstractSet[str],
    later: AbstractSet[str] = frozenset(),
    features: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """An unknown key is a warning; one that would change what runs, and is not supported yet, an error.

    `features` is `{key: the part of the language that it belongs to}`.
    """
    for key in place.data:
        if key in later or (key in features and not is_open(features[key])):
            report.error(place.down(key), f"`{key}` is not supported in this release", fix="remove it", is_key=True)
        elif key not in known:
            report.warn(place.down(key), f"unknown key '{key}'", fix=suggest(key, known), is_key=True)


def check_action_type(report: Report, place: Place, kind: str) -> bool:
    """Whether this release knows the action type; if not, an error is reported."""
    found = ACTION_TYPES.get(kind)
    if found is not None and (found.feature is None or is_open(found.feature)):
        return True
    if found is not None and found.feature is not None:
        report.error(place, refusal(found.feature))
    elif kind in LATER_TYPES:
        report.error(place, f"{LATER_TYPES[kind]} (`type: {kind}`) are not supported in this release")
    else:
        report.error(place, f"unknown action type '{kind}'", fix=suggest(kind, [*ACTION_TYPES, *LATER_TYPES]))
    return False
