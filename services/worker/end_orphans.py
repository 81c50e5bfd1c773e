"""Ends what a dead worker's steps left running; also a program of its own, the worker's guard.

Only the standard library is imported: as a program it starts without the worker's packages.
"""

import os
import select
import signal
import sys
import time
from contextlib import suppress

MARK = "HEADRACE_PROCESS_MARK"
"""In the environment of every process that a worker starts: `<worker id>.<token of the step's processes>`."""

TERM_GRACE_SECONDS = 2.0
GIVE_UP_SECONDS = 10.0  # a process stuck in the kernel holds nobody up
LOOK_EVERY_SECONDS = 0.05


def end_orphans(worker_id: str) -> int:
    """End every process that the worker, which is dead, had started; answers how many there were.

    SIGTERM, 2 s, SIGKILL. Found by the mark in the environment they began with, and by the sessions of those: who
    cleared its environment is found beside one who did not. A process is held by a pidfd before it is looked at, so
    that one which got a recycled id is never hit. Repeats: harmless.
    """
    began = time.monotonic()
    told: set[int] = set()
    while orphans := find_orphans(worker_id):
        elapsed = time.monotonic() - began
        if elapsed > GIVE_UP_SECONDS:
            _close(orphans)
            break
        for pid, held in orphans.items():
            if elapsed > TERM_GRACE_SECONDS or pid not in told:
                _signal(held, signal.SIGKILL if elapsed > TERM_GRACE_SECONDS else signal.SIGTERM)
        told |= orphans.keys()
        _close(orphans)
        time.sleep(LOOK_EVERY_SECONDS)
    return len(told)


def find_orphans(worker_id: str) -> dict[int, int]:
    """The living processes of the worker's steps, `{pid: pidfd}`; the caller closes the pidfds."""
    prefix = f"{MARK}={worker_id}.".encode()
    held = {pid: pidfd for pid in _all_pids() if (pidfd := _hold(pid)) is not None}
    marked = {pid for pid in held if _begins_with(pid, prefix)}
    sessions = {session for pid in marked if (session := _session_of(pid))} - {os.getsid(0)}
    found: dict[int, int] = {}
    for pid, pidfd in held.items():
        if (pid in marked or _session_of(pid) in sessions) and _lives(pidfd):
            found[pid] = pidfd
        else:
            os.close(pidfd)
    return found


def _all_pids() -> list[int]:
    """Every process but this one."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]  # noqa: PTH208 - names only


def _hold(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _begins_with(pid: int, prefix: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as opened:  # noqa: PTH123 - many files, read often
            return any(entry.startswith(prefix) for entry in opened.read().split(b"\0"))
    except OSError:
        return False


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _lives(pidfd: int) -> bool:
    """Whether it has not ended; so what was read about its id before was about it."""
    return not select.select([pidfd], [], [], 0)[0]


def _signal(pidfd: int, number: signal.Signals) -> None:
    with suppress(OSError):
        signal.pidfd_send_signal(pidfd, number)


def _close(orphans: dict[int, int]) -> None:
    for pidfd in orphans.values():
        os.close(pidfd)


def main() -> None:
    """Wait until the worker is gone, which closes our stdin; then end its steps' processes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the guard outlives its worker, and ends right after it
    while os.read(0, 1):
        pass
    end_orphans(sys.argv[1])


if __name__ == "__main__":
    main()
