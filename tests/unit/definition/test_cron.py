"""When cron triggers fire, clock changes and leap days included."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.definition.cron import check_cron, next_fires
from shared.errors import InvalidInput


def fires(cron: str, zone: str, after: str, count: int) -> list[str]:
    """The next fires as text."""
    found = next_fires(cron, zone, datetime.fromisoformat(after).replace(tzinfo=UTC), count)
    assert all(fire.tzinfo is UTC for fire in found)
    return [fire.strftime("%Y-%m-%d %H:%M:%S") for fire in found]


NEW_YORK, BERLIN, LORD_HOWE = "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"
ROWS: list[tuple[str, str, str, list[str]]] = [
    ("*/10 * * * *", "UTC", "2026-01-01T00:00", ["2026-01-01 00:10:00", "2026-01-01 00:20:00"]),
    ("0 */10 * * * *", "UTC", "2026-01-01T00:00", ["2026-01-01 00:10:00", "2026-01-01 00:20:00"]),
    ("*/3 * * * * *", "UTC", "2026-01-01T00:00:01", ["2026-01-01 00:00:03", "2026-01-01 00:00:06"]),
    ("30 5 2 * * *", "UTC", "2026-01-01T00:00", ["2026-01-01 02:05:30", "2026-01-02 02:05:30"]),
    ("0 0 29 2 *", "UTC", "2023-03-01T00:00", ["2024-02-29 00:00:00", "2028-02-29 00:00:00"]),
    ("0 0 29 2 *", "UTC", "2096-03-01T00:00", ["2104-02-29 00:00:00"]),
    ("0 0 L * *", "UTC", "2024-01-31T12:00", ["2024-02-29 00:00:00", "2024-03-31 00:00:00"]),
    ("0 9 * * mon-fri", "UTC", "2026-01-02T10:00", ["2026-01-05 09:00:00"]),
    ("0 9 * jan,jul 7", "UTC", "2026-01-31T00:00", ["2026-07-05 09:00:00"]),
    ("0 0 1 * *", BERLIN, "2026-01-15T00:00", ["2026-01-31 23:00:00", "2026-02-28 23:00:00", "2026-03-31 22:00:00"]),
    # clocks go forward: 02:30 is left out, so it fires at the first moment after the gap, once
    ("30 2 * * *", NEW_YORK, "2024-03-09T12:00", ["2024-03-10 07:00:00", "2024-03-11 06:30:00"]),
    ("30 2 * * *", NEW_YORK, "2024-03-10T07:00", ["2024-03-11 06:30:00"]),
    ("30 2 * * *", BERLIN, "2024-03-30T12:00", ["2024-03-31 01:00:00", "2024-04-01 00:30:00"]),
    ("15,45 2 * * *", BERLIN, "2024-03-30T12:00", ["2024-03-31 01:00:00", "2024-04-01 00:15:00"]),
    ("15 2 * * *", LORD_HOWE, "2024-10-04T16:00", ["2024-10-05 15:30:00", "2024-10-06 15:15:00"]),
    # clocks go back: 01:30 comes twice and fires the first time only
    ("30 1 * * *", NEW_YORK, "2024-11-02T12:00", ["2024-11-03 05:30:00", "2024-11-04 06:30:00"]),
    ("30 1 * * *", NEW_YORK, "2024-11-03T06:00", ["2024-11-04 06:30:00"]),
    ("30 2 * * *", BERLIN, "2024-10-26T12:00", ["2024-10-27 00:30:00", "2024-10-28 01:30:00"]),
]


@pytest.mark.parametrize(("cron", "zone", "after", "expected"), ROWS)
def test_fire_times(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert fires(cron, zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        (NEW_YORK, (2024, 3, 10)),
        (NEW_YORK, (2024, 11, 3)),
        (BERLIN, (2024, 3, 31)),
        (BERLIN, (2024, 10, 27)),
        (LORD_HOWE, (2024, 10, 5)),
        (LORD_HOWE, (2024, 4, 6)),
        ("Asia/Kathmandu", (2024, 1, 1)),
        ("Africa/Cairo", (2024, 4, 26)),
        ("America/Havana", (2024, 11, 3)),
    ],
)
def test_a_trigger_of_every_hour_goes_on_through_clock_changes(zone: str, day: tuple[int, int, int]) -> None:
    start = datetime(*day, tzinfo=UTC) - timedelta(hours=12)
    minutes = [start + timedelta(minutes=number) for number in range(1, 48 * 60)]
    shown = [moment for moment in minutes if moment.astimezone(ZoneInfo(zone)).minute % 15 == 0]
    assert next_fires("*/15 * * * *", zone, start, len(shown)) == shown


def test_fires_follow_one_another_as_one_list_or_step_by_step() -> None:
    after = datetime(2024, 3, 8, tzinfo=UTC)
    at_once = next_fires("*/20 1-3 * * *", NEW_YORK, after, 30)
    singly = [after]
    while len(singly) <= len(at_once):
        singly += next_fires("*/20 1-3 * * *", NEW_YORK, singly[-1], 1)
    assert singly[1:] == at_once


BAD = [
    ("", "UTC"),
    ("* * * *", "UTC"),
    ("* * * * * * *", "UTC"),
    ("@daily", "UTC"),
    ("60 * * * *", "UTC"),
    ("*/0 * * * *", "UTC"),
    ("a b c d e", "UTC"),
    ("R * * * *", "UTC"),
    ("H(0-5) * * * *", "UTC"),
    ("0 0 * * r(1-3)", "UTC"),
    ("0 0 30 2 *", "UTC"),
    ("0 0 31 4,6 *", "UTC"),
    ("0 0 * * *", "Mars/Base"),
    ("0 0 * * *", "../../etc/passwd"),
    ("0 0 * * *", "America"),
    ("0 0 * * *", ""),
]


@pytest.mark.parametrize(("cron", "zone"), BAD)
def test_what_can_never_fire_is_refused(cron: str, zone: str) -> None:
    with pytest.raises(InvalidInput):
        check_cron(cron, zone)
