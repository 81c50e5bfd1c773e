"""When cron triggers fire."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from shared.errors import InvalidInput

FIELD_COUNTS = (5, 6)
SECOND = timedelta(seconds=1)
_CHANCE = re.compile(r"(?:^|[ ,])[rh](?=[ ,(/]|$)", re.IGNORECASE)
"""The driver's own random fields (`R`, `H`): a fire time must be the same for everybody who works it out."""


def check_cron(text: str, timezone: str = "UTC") -> None:
    """Whether a trigger with this cron text can fire in this zone.

    Raises:
        InvalidInput: not 5 or 6 fields, a bad field, an unknown zone, or a day that never comes (30 February).
    """
    if not next_fires(text, timezone, datetime(2000, 1, 1, tzinfo=UTC), 1):
        raise InvalidInput(f"the cron text '{text}' never fires")


def next_fires(cron: str, timezone: str, after: datetime, count: int) -> list[datetime]:
    """The first `count` fire times later than `after`, in UTC, oldest first; fewer if it never fires again.

    6 fields begin with seconds. Fields are wall-clock time in `timezone`. When clocks go forward, a time that is left
    out fires once, at the first moment after the gap. When clocks go back, a time that comes twice fires the first time
    only, unless the hour field is `*`: such a trigger goes on through both hours.

    Raises:
        InvalidInput: as `check_cron`.
    """
    text, zone = _parse(cron), load_zone(timezone)
    hour = text.split()[-4]
    times = _every_hour(text, zone, after) if hour == "*" else _wall_clock(text, zone, after)
    try:
        return list(islice(times, count))
    except CroniterError:
        return []


def load_zone(name: str) -> ZoneInfo:
    """An IANA time zone.

    Raises:
        InvalidInput: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(f"unknown time zone '{name}'") from error


def _parse(cron: str) -> str:
    fields = cron.split()
    if len(fields) not in FIELD_COUNTS:
        raise InvalidInput(f"the cron text '{cron}' has {len(fields)} fields; write 5, or 6 with seconds first")
    text = " ".join(fields)
    if _CHANCE.search(text) or not croniter.is_valid(text, second_at_beginning=True):
        raise InvalidInput(f"the cron text '{cron}' is wrong{_reason(text)}")
    return text


def _reason(text: str) -> str:
    try:
        croniter(text, datetime(2000, 1, 1, tzinfo=UTC), second_at_beginning=True)
    except (CroniterError, ValueError) as error:
        return f": {error}"
    return ""


def _every_hour(text: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Real time passes through gaps and repeated hours alike."""
    found = croniter(text, after.astimezone(zone), second_at_beginning=True)
    last = after
    while True:
        fire = found.get_next(datetime).astimezone(UTC)
        if fire > last:
            last = fire
            yield fire


def _wall_clock(text: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Wall-clock times one after the other, each at the moment when the clock first shows it or has passed it."""
    start = after.astimezone(zone).replace(tzinfo=UTC, fold=0) - SECOND
    found = croniter(text, start, second_at_beginning=True)
    last = after
    while True:
        fire = _first_moment(found.get_next(datetime).replace(tzinfo=zone, fold=0))
        if fire > last:
            last = fire
            yield fire


def _first_moment(wall: datetime) -> datetime:
    """When the clock shows `wall` for the first time; of a time that is left out, the end of the gap."""
    moment = wall.astimezone(UTC)
    if moment.astimezone(wall.tzinfo).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    before = wall.replace(fold=1).astimezone(UTC)
    old_offset = before.astimezone(wall.tzinfo).utcoffset()
    while moment - before > SECOND:
        middle = before + (moment - before) // 2
        if middle.astimezone(wall.tzinfo).utcoffset() == old_offset:
            before = middle
        else:
            moment = middle
    return moment.replace(microsecond=0)
