"""Values in the words of people."""

from datetime import timedelta


def seconds(duration: timedelta) -> str:
    """A duration: `90`, `0.5`."""
    return f"{duration.total_seconds():g}"
