"""One step's processes: started in a session of their own, ended all together."""

import asyncio
import os
import secrets
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

import structlog

from services.worker.end_orphans import MARK
from services.worker.strays import children_of_this_process, is_zombie, reap, was_started_with

log = structlog.get_logger()

TERM_GRACE = timedelta(seconds=5)  # between SIGTERM and SIGKILL
STRAY_GRACE = timedelta(seconds=1)  # the same for what a step left behind when it ended by itself
LOOK_EVERY = timedelta(milliseconds=20)
UNKILLABLE_AFTER = timedelta(seconds=10)  # a process stuck in the kernel must not hold the step


@dataclass(frozen=True, slots=True)
class Launch:
    """A program to start: its arguments, its whole environment, its folder, the descriptors that it gets."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    passed: tuple[int, ...] = ()


class ProcessGroups:
    """Every group that this worker has running."""

    def __init__(self, worker_id: str = "") -> None:
        self._worker_id = worker_id
        self._leaders: set[int] = set()

    def start(self, launch: Launch) -> "ProcessGroup":
        """Start the program (about 1 ms, on the event loop).

        Raises:
            OSError: no such program, too long arguments, no memory …
            ValueError: a NUL character in an argument or the environment.
        """
        mark = f"{self._worker_id}.{secrets.token_hex(16)}"
        with _Pipes() as pipes:
            process = subprocess.Popen(  # noqa: S603 - running a user's program is the job; no shell in between
                launch.argv,
                stdin=subprocess.DEVNULL,
                stdout=pipes.ends[0][1],
                stderr=pipes.ends[1][1],
                env={**launch.env, MARK: mark},
                cwd=launch.cwd,
                start_new_session=True,
                pass_fds=launch.passed,
            )
            self._leaders.add(process.pid)
            return ProcessGroup(process, mark, self._leaders, pipes.keep())

    @property
    def leaders(self) -> frozenset[int]:
        """The ids of the first processes of running groups."""
        return frozenset(self._leaders)


class ProcessGroup:
    """A leader, its group, and whoever escaped from it.

    The worker is the subreaper of what it starts: a process whose parent ends becomes a child of the worker. So, when
    the leader has ended, its leftovers are among the worker's children: they have its group id, or, if they escaped by
    `setsid`, its mark in their environment. One that both escapes and clears its environment is not found; it can't
    hold the step up, since the pipes are closed after a grace.
    """

    def __init__(
        self, process: "subprocess.Popen[bytes]", mark: str, leaders: set[int], pipes: tuple[int, int]
    ) -> None:
        self.pid = process.pid
        self.pipes = pipes  # the reading ends of stdout and stderr; the caller closes them
        self._process = process
        self._mark = f"{MARK}={mark}".encode()
        self._leaders = leaders
        self._strays: set[int] = set()

    async def ended(self) -> None:
        """Return once the leader has ended; it stays a zombie until `clear`, so that its id stays its own."""
        loop = asyncio.get_running_loop()
        watched = os.pidfd_open(self.pid)
        over = asyncio.Event()
        loop.add_reader(watched, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(watched)
            os.close(watched)

    async def kill(self) -> None:
        """End the leader and its group: SIGTERM, 5 s, SIGKILL."""
        self._signal_group(signal.SIGTERM)
        try:
            async with asyncio.timeout(TERM_GRACE.total_seconds()):
                await self.ended()
        except TimeoutError:
            self._signal_group(signal.SIGKILL)
            await self.ended()

    async def clear(self) -> int:
        """End what the leader left behind, after it has ended itself; answers its exit code (negative: its signal)."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        told: set[int] = set()
        while strays := self._find_strays():
            elapsed = loop.time() - began
            if elapsed > UNKILLABLE_AFTER.total_seconds():
                log.error("stray.unkillable", pids=sorted(strays), leader=self.pid)
                break
            is_patient = elapsed < STRAY_GRACE.total_seconds()
            for pid in strays - told if is_patient else strays:
                _signal(pid, signal.SIGTERM if is_patient else signal.SIGKILL)
            told |= strays
            await asyncio.sleep(LOOK_EVERY.total_seconds())
        self._leaders.discard(self.pid)
        return self._process.wait()

    def has_strays(self) -> bool:
        """Whether the leader, which lives, has left processes to the worker."""
        return bool(self._find_strays())

    def _find_strays(self) -> set[int]:
        """Living processes that belong to the group; those that are dead by now are reaped."""
        seen: set[int] = set()
        while True:
            children = children_of_this_process() - self._leaders
            own = {pid for pid in children if pid in self._strays or self._owns(pid)}
            self._strays = {pid for pid in own if not (is_zombie(pid) and reap(pid))}
            if self._strays or children <= seen:
                return self._strays
            seen |= children  # one that died just now may have left us its children: look again

    def _owns(self, pid: int) -> bool:
        with suppress(ProcessLookupError):
            return os.getpgid(pid) == self.pid or was_started_with(pid, self._mark)
        return False

    def _signal_group(self, name: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, name)


class _Pipes:
    """Two pipes; the writing ends are closed at the end, the reading ends unless kept."""

    def __init__(self) -> None:
        self.ends = (os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC))
        self._is_kept = False

    def keep(self) -> tuple[int, int]:
        """The reading ends, now the caller's."""
        self._is_kept = True
        return self.ends[0][0], self.ends[1][0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for reading, writing in self.ends:
            os.close(writing)
            if not self._is_kept:
                os.close(reading)


def _signal(pid: int, name: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, name)


def reap_unknown(leaders: Iterable[int]) -> None:
    """Reap dead children that are nobody's: orphans of running steps. Only for a process that starts nothing else."""
    for pid in children_of_this_process() - set(leaders):
        if is_zombie(pid):
            reap(pid)
