"""Interpreters that are warm when a function is to be called."""

import asyncio
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog

from services.worker.functions.warm_process import WarmProcess, start_process
from services.worker.process_group import ProcessGroups
from services.worker.runners.environment import passed_on
from services.worker.runners.languages import find_program
from services.worker.runners.memory_limit import limit_memory
from services.worker.runners.runner import CannotRun
from services.worker.strays import is_zombie
from services.worker.workspace_cache import WorkspaceCache

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Serves:
    """What a process is good for.

    `program` is the Python's command line, empty for the one on the worker's path; `memory` the limit in bytes.
    """

    workspace: str
    revision: str
    program: tuple[str, ...] = ()
    memory: int | None = None


class FunctionPool:
    """A process serves one revision of one workspace, for `most_calls` calls or until a call leaves something behind.

    Idle ones are kept, at most `keep`, the last used. Beside them `blanks` interpreters are started that no workspace
    has used yet, so that the first call of a revision waits for nothing but its imports.
    """

    def __init__(
        self, workspaces: WorkspaceCache, processes: ProcessGroups, *, keep: int, blanks: int, most_calls: int
    ) -> None:
        self._workspaces = workspaces
        self._processes = processes
        self._keep = keep
        self._wanted_blanks = blanks
        self._most_calls = most_calls
        self._idle: deque[tuple[Serves, WarmProcess]] = deque()
        self._blank: deque[WarmProcess] = deque()
        self._tasks = asyncio.TaskGroup()
        self._filling = asyncio.Lock()
        self._is_closing = False

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._tasks.create_task(self._fill(), name="functions.fill")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every process that idles."""
        self._is_closing = True
        async with self._filling:
            for process in [*self._blank, *(process for _, process in self._idle)]:
                self._end_soon(process)
            self._blank.clear()
            self._idle.clear()
        await self._tasks.__aexit__(kind, error, trace)

    async def take(self, serves: Serves) -> WarmProcess:
        """A process of the caller's own; give it back later.

        Raises:
            CannotRun: no interpreter, or no workspace.
            StoreUnavailable: try again later.
        """
        while (found := self._find_idle(serves)) is not None:
            if not is_zombie(found.group.pid):
                return found
            self._end_soon(found)
        folder = await self._workspaces.check_out(serves.workspace, serves.revision)
        try:
            process = self._take_blank(serves) or await self._start(serves.program, serves.memory)
        except BaseException:
            self._workspaces.discard(folder)
            raise
        process.take_workspace(folder)
        return process

    def give_back(self, serves: Serves, process: WarmProcess) -> None:
        """It is called no more by the caller. One that is not clean, or worn, is ended and replaced."""
        if process.is_dirty or process.calls >= self._most_calls or self._is_closing:
            self._end_soon(process)
            return
        self._idle.append((serves, process))
        if len(self._idle) > self._keep:
            self._end_soon(self._idle.popleft()[1])

    def _find_idle(self, serves: Serves) -> WarmProcess | None:
        for entry in reversed(self._idle):
            if entry[0] == serves:
                self._idle.remove(entry)
                return entry[1]
        return None

    def _take_blank(self, serves: Serves) -> WarmProcess | None:
        if serves.program or serves.memory is not None:
            return None
        self._tasks.create_task(self._fill(), name="functions.fill")
        while self._blank:
            process = self._blank.popleft()
            if not is_zombie(process.group.pid):
                return process
            self._end_soon(process)
        return None

    async def _fill(self) -> None:
        async with self._filling:
            while len(self._blank) < self._wanted_blanks and not self._is_closing:
                try:
                    self._blank.append(await self._start())
                except CannotRun as error:
                    log.warning("function.no_blank", error=str(error))
                    return

    async def _start(self, program: Sequence[str] = (), memory: int | None = None) -> WarmProcess:
        environment = {**passed_on(), "PYTHONUNBUFFERED": "1"}
        path = environment.get("PATH", os.defpath)
        command = program or find_program([["python3"]], path, needed_by="a function")
        try:
            return await start_process(self._processes, limit_memory(command, memory), environment)
        except OSError as error:
            raise CannotRun(f"Can't start {command[0]}: {error.strerror}") from error

    def _end_soon(self, process: WarmProcess) -> None:
        self._tasks.create_task(self._end(process), name="functions.end")

    async def _end(self, process: WarmProcess) -> None:
        await process.end()
        if process.folder is not None:
            self._workspaces.discard(process.folder)
