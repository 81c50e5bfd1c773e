"""One `up` or `down` of a home at a time."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from deploy.local.refused import StackRefused

PATIENCE = timedelta(seconds=150)  # the longest `down`, and some more
ASK_EVERY = timedelta(milliseconds=100)


@contextmanager
def hold(home: Path) -> Iterator[None]:
    """Hold the home's lock, waiting for another command to end.

    Raises:
        StackRefused: the other one takes longer than 150 s.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + PATIENCE.total_seconds()
    with (home / "lock").open("w") as file:
        while not _try(file.fileno()):
            if time.monotonic() > deadline:
                raise StackRefused(f"another command is at work on {home} for more than {PATIENCE.seconds} s.")
            time.sleep(ASK_EVERY.total_seconds())
        yield


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
