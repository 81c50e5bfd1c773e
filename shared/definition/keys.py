"""The keys that workspace files may have, and those of other releases."""

from collections.abc import Set as AbstractSet

from shared.definition.models import (
    ActionDefinition,
    HookDefinition,
    InputField,
    StepDefinition,
    TaskDefinition,
    TriggerDefinition,
)
from shared.definition.report import Place, Report, suggest

UNSUPPORTED_TYPES = {
    "docker": "container actions",
    "pod": "Kubernetes actions",
    "agent": "agent actions",
    "approval": "approval gates",
    "sleep": "sleep actions",
    "wait_for_event": "waiting for events",
    "http": "HTTP actions",
}
"""Action types of the contract that this release does not run, and what they are."""

_CONTAINER = {"image", "cmd", "command", "entrypoint", "workdir", "resources", "manifest"}
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
_LATER_ACTION = frozenset({"retry", "message", *_CONTAINER, *_AGENT})

FILE_KEYS = frozenset({"actions", "tasks", "triggers", "on_success", "on_error"})
LATER_FILE_KEYS = frozenset(
    {"secrets", "connections", "connection_types", "mcp_servers", "on_suspended", "on_cancel"},
)
ACTION_KEYS = frozenset(ActionDefinition.model_fields)
LATER_ACTION_KEYS = _LATER_ACTION
STEP_KEYS = frozenset(StepDefinition.model_fields)
LATER_STEP_KEYS = frozenset({"for_each", "sequential", *_LATER_ACTION})
TASK_KEYS = frozenset(TaskDefinition.model_fields) - {"errors"}
LATER_TASK_KEYS = frozenset({"retry", "on_suspended", "on_cancel", "concurrency", "max_parallel_steps"})
TRIGGER_KEYS = frozenset(TriggerDefinition.model_fields)
INPUT_KEYS = frozenset(InputField.model_fields)
HOOK_KEYS = frozenset(HookDefinition.model_fields)


def check_keys(report: Report, place: Place, known: AbstractSet[str], later: AbstractSet[str] = frozenset()) -> None:
    """An unknown key is a warning; one that would change what runs, and is not supported yet, an error."""
    for key in place.data:
        if key in known:
            continue
        if key in later:
            report.error(place.down(key), f"`{key}` is not supported in this release", fix="remove it", is_key=True)
        else:
            report.warn(place.down(key), f"unknown key '{key}'", fix=suggest(key, known), is_key=True)


def check_action_type(report: Report, place: Place, kind: str) -> bool:
    """Whether this release knows the action type; if not, an error is reported."""
    if kind in ("script", "task"):
        return True
    if kind in UNSUPPORTED_TYPES:
        report.error(place, f"{UNSUPPORTED_TYPES[kind]} (`type: {kind}`) are not supported in this release")
    else:
        report.error(place, f"unknown action type '{kind}'", fix=suggest(kind, ["script", "task", *UNSUPPORTED_TYPES]))
    return False
