"""Checks actions."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from shared.definition.check_body import check_body
from shared.definition.check_fields import check_fields
from shared.definition.check_retry import check_retry
from shared.definition.keys import (
    ACTION_KEYS,
    FEATURES_OF_ACTION_KEYS,
    LATER_ACTION_KEYS,
    check_action_type,
    check_keys,
)
from shared.definition.models import ActionDefinition
from shared.definition.names import check_name
from shared.definition.read_part import read_part
from shared.definition.report import Place, Report, suggest


def check_actions(
    report: Report, places: Mapping[str, Place], tasks: AbstractSet[str], files: AbstractSet[str] | None
) -> dict[str, ActionDefinition]:
    """The actions that could be read, those with errors of their own included."""
    found = {}
    for name, place in places.items():
        action = _check_action(report, name, place, files)
        if action is not None:
            found[name] = action
            if action.type == "task" and action.task and action.task not in tasks:
                report.error(place.down("task"), f"unknown task '{action.task}'", fix=suggest(action.task, tasks))
    return found


def _check_action(report: Report, name: str, place: Place, files: AbstractSet[str] | None) -> ActionDefinition | None:
    check_name(report, place, "action", name)
    kind = place.data.get("type")
    if isinstance(kind, str) and not check_action_type(report, place.down("type"), kind):
        return None
    check_keys(report, place, ACTION_KEYS, LATER_ACTION_KEYS, FEATURES_OF_ACTION_KEYS)
    fields = check_fields(report, place.down("input")) if "input" in place.data else {}
    body = {key: value for key, value in place.data.items() if key != "input"}
    action = read_part(ActionDefinition, body, report, place)
    if action is None:
        return None
    check_body(report, place, action.type, action, files)
    check_retry(report, place, action.retry, action.type)
    if action.timeout is not None and action.type != "http":
        report.error(place.down("timeout"), "`timeout` belongs to the step that uses the action", is_key=True)
    return action.model_copy(update={"input": fields})
