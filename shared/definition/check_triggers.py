"""Checks triggers."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from shared.definition.cron import check_cron, load_zone
from shared.definition.keys import SCHEDULER_KEYS, SIGNATURE_KEYS, WEBHOOK_KEYS, check_keys
from shared.definition.models import SchedulerTrigger, TriggerDefinition, WebhookTrigger
from shared.definition.names import check_name
from shared.definition.read_part import read_part
from shared.definition.report import Place, Report, suggest
from shared.errors import InvalidInput

ENV_REFERENCE = re.compile(r"ref\+env://[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
WEBHOOK_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_TYPES = ("scheduler", "webhook")


def check_triggers(
    report: Report, places: Mapping[str, Place], tasks: AbstractSet[str]
) -> dict[str, TriggerDefinition]:
    """The triggers that can fire; one with an error is left out. Of two webhooks with one name the first stays."""
    found: dict[str, TriggerDefinition] = {}
    for name, place in places.items():
        check_name(report, place, "trigger", name)
        trigger = _check_trigger(report, place, tasks)
        if isinstance(trigger, WebhookTrigger):
            _check_is_alone(report, place, trigger, found)
        if trigger is not None and not report.errors_about(place.subject):
            found[name] = trigger
    return found


def _check_trigger(report: Report, place: Place, tasks: AbstractSet[str]) -> TriggerDefinition | None:
    trigger = _read(report, place)
    if trigger is None:
        return None
    if trigger.task not in tasks:
        report.error(place.down("task"), f"unknown task '{trigger.task}'", fix=suggest(trigger.task, tasks))
    if trigger.force_refresh:
        report.error(place.down("force_refresh"), "`force_refresh` is not supported in this release")
    if isinstance(trigger, SchedulerTrigger):
        _check_times(report, place, trigger)
    else:
        _check_webhook(report, place, trigger)
    return trigger


def _read(report: Report, place: Place) -> TriggerDefinition | None:
    kind = place.data.get("type")
    if kind == "webhook":
        check_keys(report, place, WEBHOOK_KEYS)
        return read_part(WebhookTrigger, place.data, report, place)
    if kind == "event_source":
        report.error(place.down("type"), "event sources (`type: event_source`) are not supported in this release")
        return None
    if isinstance(kind, str) and kind not in _TYPES:
        report.error(place.down("type"), f"unknown trigger type '{kind}'", fix=suggest(kind, _TYPES))
        return None
    check_keys(report, place, SCHEDULER_KEYS)
    return read_part(SchedulerTrigger, place.data, report, place)


def _check_times(report: Report, place: Place, trigger: SchedulerTrigger) -> None:
    try:
        load_zone(trigger.timezone)
    except InvalidInput as error:
        report.error(place.down("timezone"), error.message)
        return
    try:
        check_cron(trigger.cron, trigger.timezone)
    except InvalidInput as error:
        report.error(place.down("cron"), error.message)


def _check_webhook(report: Report, place: Place, trigger: WebhookTrigger) -> None:
    if not WEBHOOK_NAME.fullmatch(trigger.name):
        report.error(place.down("name"), "a webhook's name has 1 to 128 of the characters A-Z a-z 0-9 _ -")
    if trigger.mode == "async" and "timeout_secs" in place.data:
        report.warn(place.down("timeout_secs"), "`timeout_secs` has no effect without `mode: sync`", is_key=True)
    if trigger.secret is not None:
        _check_secret(report, place.down("secret"), trigger.secret)
    if trigger.signature is not None:
        check_keys(report, place.down("signature"), SIGNATURE_KEYS)
        if not ENV_REFERENCE.fullmatch(trigger.signature.secret):
            report.error(place.down("signature", "secret"), "`secret` must be `ref+env://NAME`, a variable of the api")


def _check_secret(report: Report, place: Place, secret: str) -> None:
    if not secret:
        report.error(place, "`secret` is empty")
    elif secret.startswith("ref+"):
        if not ENV_REFERENCE.fullmatch(secret):
            report.error(place, "a secret's reference must be `ref+env://NAME`, a variable of the api")
    else:
        report.warn(place, "the secret can be read by whoever reads this file", fix="write `ref+env://NAME`")


def _check_is_alone(
    report: Report, place: Place, trigger: WebhookTrigger, found: Mapping[str, TriggerDefinition]
) -> None:
    for name, other in found.items():
        if isinstance(other, WebhookTrigger) and other.name == trigger.name:
            report.error(place.down("name"), f"the trigger '{name}' has the webhook name '{trigger.name}' already")
