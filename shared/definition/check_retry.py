"""Checks `retry` of actions, steps and tasks."""

from shared.definition.action_types import ACTION_TYPES
from shared.definition.durations import show_duration
from shared.definition.keys import RETRY_KEYS, check_keys
from shared.definition.models import RetryDefinition
from shared.definition.report import Place, Report

LONGEST_DELAY = 3600


def check_retry(report: Report, place: Place, retry: RetryDefinition | None, kind: str | None = None) -> None:
    """The retry of what stands at `place`; `kind` is the action's type, None for a task or where it is unknown."""
    if retry is None:
        return
    spot = place.down("retry")
    check_keys(report, spot, RETRY_KEYS)
    for key in ("delay", "max_delay"):
        seconds = getattr(retry, key)
        if seconds is not None and seconds > LONGEST_DELAY:
            report.error(spot.down(key), f"`{key}` of a retry is at most {show_duration(LONGEST_DELAY)}")
    if retry.backoff == "none" and "delay" in spot.data:
        report.warn(spot.down("delay"), "`delay` has no effect with `backoff: none`", is_key=True)
    found = ACTION_TYPES.get(kind or "")
    if found is not None and not found.ability and kind != "task":
        report.error(spot, f"`type: {kind}` has nothing to retry", fix="remove `retry`", is_key=True)
