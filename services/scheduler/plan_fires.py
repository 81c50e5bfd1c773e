"""Which fire of a trigger comes next, and what becomes of those that were missed."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog

from shared.definition.cron import next_fires
from shared.definition.models import SchedulerTrigger

log = structlog.get_logger()

GRACE = timedelta(seconds=60)  # a fire missed by less (a restart) is always made up for
MOST_CAUGHT_UP = 1_000  # fires of one trigger; of more that were missed, the latest
_CHUNK = 64
_MOMENT = timedelta(microseconds=1)


def next_fire(trigger: SchedulerTrigger, after: datetime) -> datetime | None:
    """The first fire later than `after`. Definitions hold only cron texts that were checked."""
    found = next_fires(trigger.cron, trigger.timezone, after, 1)
    return found[0] if found else None


def first_to_do(key: str, trigger: SchedulerTrigger, since: datetime, now: datetime) -> datetime | None:
    """The fire to go on with when all until `since` are done; None: it never fires again.

    Fires that are late by more than `GRACE` are left out (`catch_up: none`), but for the latest (`one`), or made up for
    (`all`, the latest 1,000).
    """
    following = next_fire(trigger, since)
    if following is None or following >= now - GRACE:
        return following
    if trigger.catch_up == "none":
        first = next_fire(trigger, now - GRACE)
    else:
        first = _latest(trigger, since, now, MOST_CAUGHT_UP if trigger.catch_up == "all" else 1)
    if first != following:
        log.warning("cron.missed", trigger=key, since=following.isoformat(), until=str(first))
    return first


def again(trigger_key: str, trigger: SchedulerTrigger, fire: datetime, now: datetime) -> datetime | None:
    """`fire` was to be done and the process stood still meanwhile: the fire to go on with now."""
    return first_to_do(trigger_key, trigger, fire - _MOMENT, now)


def _latest(trigger: SchedulerTrigger, after: datetime, until: datetime, count: int) -> datetime:
    """The first of the `count` latest fires in (after, until]; there is at least one.

    Looks back over twice the time again and again, so that an hour's seconds need not be counted from last year on.
    """
    window = GRACE
    while True:
        start = max(after, until - window)
        found = list(_fires(trigger, start, until))
        if len(found) >= count or start == after:
            return found[-count:][0]
        window *= 2


def _fires(trigger: SchedulerTrigger, after: datetime, until: datetime) -> Iterator[datetime]:
    while True:
        chunk = next_fires(trigger.cron, trigger.timezone, after, _CHUNK)
        for fire in chunk:
            if fire > until:
                return
            yield fire
        if len(chunk) < _CHUNK:
            return
        after = chunk[-1]
