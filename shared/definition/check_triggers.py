"""Checks triggers."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from shared.definition.cron import check_cron, load_zone
from shared.definition.keys import TRIGGER_KEYS, check_keys
from shared.definition.models import TriggerDefinition
from shared.definition.names import check_name
from shared.definition.read_part import read_part
from shared.definition.report import Place, Report, suggest
from shared.errors import InvalidInput

_LATER_TYPES = {"webhook": "webhooks", "event_source": "event sources"}


def check_triggers(
    report: Report, places: Mapping[str, Place], tasks: AbstractSet[str]
) -> dict[str, TriggerDefinition]:
    """The triggers that can fire; one with an error is left out."""
    found = {}
    for name, place in places.items():
        check_name(report, place, "trigger", name)
        trigger = _check_trigger(report, place, tasks)
        if trigger is not None and not report.errors_about(place.subject):
            found[name] = trigger
    return found


def _check_trigger(report: Report, place: Place, tasks: AbstractSet[str]) -> TriggerDefinition | None:
    kind = place.data.get("type")
    if kind in _LATER_TYPES:
        report.error(place.down("type"), f"{_LATER_TYPES[kind]} (`type: {kind}`) are not supported in this release")
        return None
    check_keys(report, place, TRIGGER_KEYS)
    trigger = read_part(TriggerDefinition, place.data, report, place)
    if trigger is None:
        return None
    if trigger.task not in tasks:
        report.error(place.down("task"), f"unknown task '{trigger.task}'", fix=suggest(trigger.task, tasks))
    if trigger.concurrency != "allow":
        report.error(place.down("concurrency"), "only `concurrency: allow` is supported in this release")
    if trigger.force_refresh:
        report.error(place.down("force_refresh"), "`force_refresh` is not supported in this release")
    _check_times(report, place, trigger)
    return trigger


def _check_times(report: Report, place: Place, trigger: TriggerDefinition) -> None:
    try:
        load_zone(trigger.timezone)
    except InvalidInput as error:
        report.error(place.down("timezone"), error.message)
        return
    try:
        check_cron(trigger.cron, trigger.timezone)
    except InvalidInput as error:
        report.error(place.down("cron"), error.message)
