"""One started program until it is over and its pipes are read to the end."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.worker.halt import Halt
from services.worker.process_group import ProcessGroup
from services.worker.read_output import LineSink, PipeReader, Watch, pump
from services.worker.runners.runner import StepResult
from shared.engine.states import Outcome

STDERR_BYTES = 4096  # of its end, in the error of a failed step
PIPE_GRACE = timedelta(seconds=1.5)  # for whoever still holds the pipes of a step that has ended


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended: its exit code, or minus its signal; `stderr` is the end of it, without secrets."""

    status: int
    stderr: str = ""
    is_timed_out: bool = False
    is_halted: bool = False

    def as_failure(self, *, timeout_seconds: float | None) -> StepResult | None:
        """The step's result; None: it ended well."""
        if self.is_timed_out:
            return StepResult(Outcome.TIMED_OUT, error=f"Step timed out after {timeout_seconds:g}s")
        if self.is_halted:
            return StepResult(Outcome.CANCELLED, error="Step was cancelled")
        if self.status < 0:
            told = f"Killed by signal {-self.status} ({_name(-self.status)})"
            return StepResult(Outcome.FAILED, error=told, exit_code=128 - self.status)
        if self.status > 0:
            told = f"Exit code: {self.status}\nStderr: {self.stderr}"
            return StepResult(Outcome.FAILED, error=told, exit_code=self.status)
        return None


class Deadline:
    """The time that all programs of one attempt have together."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    @property
    def left_seconds(self) -> float | None:
        """How long it is until then, at least 0; None: for ever."""
        if self.seconds is None:
            return None
        return max(0.0, self.seconds - (self._loop.time() - self._began))


class Execution:
    """Reads and waits for one program, and ends it when its time is up or somebody wants it to end."""

    def __init__(self, group: ProcessGroup, sink: LineSink, halt: Halt, deadline: Deadline) -> None:
        self._group = group
        self._sink = sink
        self._halt = halt
        self._deadline = deadline
        self._stderr = b""

    async def run(self, *, see_stdout: Watch = lambda _: None) -> Ending:
        """See it through; `see_stdout` gets the raw bytes."""
        readers = [PipeReader(pipe) for pipe in self._group.pipes]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pump(readers[0], "stdout", self._sink, raw=see_stdout), name="stdout")
            tasks.create_task(pump(readers[1], "stderr", self._sink, clean=self._see_stderr), name="stderr")
            try:
                is_timed_out, is_halted = await race(tasks, self._group.ended, self._halt, self._deadline)
            finally:  # also when this task is cancelled: nothing is left running
                await self._group.kill()
                status = await self._group.clear()
                for reader in readers:
                    reader.finish_within(PIPE_GRACE)
        told = self._stderr.decode("utf-8", "replace").rstrip()
        return Ending(status, told, is_timed_out=is_timed_out, is_halted=is_halted)

    def _see_stderr(self, data: bytes) -> None:
        self._stderr = (self._stderr + data)[-STDERR_BYTES:]


async def race(
    tasks: asyncio.TaskGroup, ended: Callable[[], Coroutine[Any, Any, None]], halt: Halt, deadline: Deadline
) -> tuple[bool, bool]:
    """Wait for the end, or the end of its time, or somebody's wish; answers (timed out, halted)."""
    end = tasks.create_task(ended(), name="process")
    asked = tasks.create_task(halt.asked(), name="halt")
    done, pending = await asyncio.wait((end, asked), timeout=deadline.left_seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    return not done, asked in done and end not in done


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
