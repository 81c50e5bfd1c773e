"""Durations as workspace files write them."""

import re

DAY = 24 * 60 * 60
_PARTS = re.compile(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?")


def parse_duration(value: object) -> int:
    """Whole seconds: `90`, `"90"`, `"45s"`, `"1h30m"`.

    Raises:
        ValueError: anything else, zero, negative, days.
    """
    seconds = _seconds(value)
    if seconds is None:
        raise ValueError('must be a duration like "1h30m", "45s" or whole seconds')
    if seconds <= 0:
        raise ValueError("must be longer than zero")
    return seconds


def _seconds(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return int(text[:12])
    found = _PARTS.fullmatch(text)
    if not found or not text:
        return None
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + rest


def show_duration(seconds: int) -> str:
    """`5400` is `1h30m`."""
    parts = ((seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"
