"""Checks tasks, hooks and triggers."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from shared.definition.check_fields import check_fields
from shared.definition.check_retry import check_retry
from shared.definition.check_steps import Surroundings, check_action_name, check_steps
from shared.definition.check_templates import check_values
from shared.definition.durations import DAY
from shared.definition.keys import (
    FEATURES_OF_TASK_KEYS,
    HOOK_KEYS,
    HOOK_LISTS,
    LATER_TASK_KEYS,
    TASK_KEYS,
    check_keys,
)
from shared.definition.models import HookDefinition, TaskDefinition
from shared.definition.names import check_name
from shared.definition.read_part import read_part
from shared.definition.report import Place, Report

LONGEST_TASK = 7 * DAY
_HOOK_NAMES = frozenset({"hook", "secret"})


def check_tasks(report: Report, places: Mapping[str, Place], around: Surroundings) -> dict[str, TaskDefinition]:
    """All tasks; each carries the errors that forbid running it."""
    return {name: _check_task(report, name, place, around) for name, place in places.items()}


def _check_task(report: Report, name: str, place: Place, around: Surroundings) -> TaskDefinition:
    check_name(report, place, "task", name)
    check_keys(report, place, TASK_KEYS, LATER_TASK_KEYS, FEATURES_OF_TASK_KEYS)
    read_apart = {"flow", "input", "errors", *HOOK_LISTS}
    task = read_part(
        TaskDefinition, {key: value for key, value in place.data.items() if key not in read_apart}, report, place
    )
    if task is not None and task.timeout is not None and task.timeout > LONGEST_TASK:
        report.error(place.down("timeout"), "a task's time-out is at most 168h")
    if task is not None:
        check_retry(report, place, task.retry)
    steps = {}
    if "flow" in place.data:
        steps = check_steps(report, place.down("flow"), around, name)
    else:
        report.error(place, "`flow` is missing", is_key=True)
    update = {
        "flow": steps,
        "input": check_fields(report, place.down("input")) if "input" in place.data else {},
        **{key: check_hooks(report, hook_places(report, place, key), around.action_names) for key in HOOK_LISTS},
    }
    return (task or TaskDefinition()).model_copy(update=update)


def hook_places(report: Report, place: Place, key: str) -> list[Place]:
    """The places of the hooks in the list `key`."""
    hooks = place.data.get(key)
    if hooks is None:
        return []
    if not isinstance(hooks, list):
        report.error(place.down(key), f"`{key}` must be a list")
        return []
    return [place.down(key, index) for index in range(len(hooks))]


def check_hooks(report: Report, places: Iterable[Place], action_names: AbstractSet[str]) -> list[HookDefinition]:
    """The hooks that can be used."""
    checked = (_check_hook(report, place, action_names) for place in places)
    return [hook for hook in checked if hook is not None]


def _check_hook(report: Report, place: Place, action_names: AbstractSet[str]) -> HookDefinition | None:
    if not isinstance(place.data, dict):
        report.error(place, "a hook must be a map with `action`")
        return None
    check_keys(report, place, HOOK_KEYS)
    hook = read_part(HookDefinition, place.data, report, place)
    if hook is None:
        return None
    is_known = check_action_name(report, place.down("action"), hook.action, action_names)
    if hook.input:
        check_values(report, place.down("input"), _HOOK_NAMES)
    return hook if is_known else None
