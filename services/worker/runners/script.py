"""Runs script actions as processes on the worker's own machine."""

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

import orjson

from services.worker.halt import Halt
from services.worker.process_group import Launch, ProcessGroup, ProcessGroups
from services.worker.read_output import LineSink, PipeReader, pump
from services.worker.runners.command_line import build_command
from services.worker.runners.environment import build_environment
from services.worker.runners.runner import CannotRun, StepResult
from services.worker.step_output import OutputRefused, OutputWatch, gather_output
from services.worker.workspace_cache import WorkspaceCache
from shared.engine.states import Outcome
from shared.messages.wire import RunStepMessage

STDERR_BYTES = 4096  # of its end, in the error of a failed step
PIPE_GRACE = timedelta(seconds=1.5)  # for whoever still holds the pipes of a step that has ended


class ScriptRunner:
    """A process per attempt, in a fresh working copy of the workspace at the job's revision."""

    def __init__(self, workspaces: WorkspaceCache, processes: ProcessGroups) -> None:
        self._workspaces = workspaces
        self._processes = processes

    async def run(self, step: RunStepMessage, sink: LineSink, halt: Halt) -> StepResult:
        if step.runner != "local":
            raise CannotRun(f"runner {step.runner!r} is not supported by this worker")
        folder = await self._workspaces.check_out(step.workspace, step.revision)
        try:
            group = self._start(step, folder)
            return await _Execution(group, step, sink, halt).run(folder / "output")
        finally:
            self._workspaces.discard(folder)

    def _start(self, step: RunStepMessage, folder: Path) -> ProcessGroup:
        workspace, input_file = folder / "workspace", folder / "input.json"
        input_file.write_bytes(orjson.dumps(step.input))
        environment = build_environment(step, input_file=input_file, output_file=folder / "output")
        command = build_command(step.spec, workspace, path=environment.get("PATH", os.defpath))
        try:
            return self._processes.start(Launch(command, environment, workspace))
        except OSError as error:
            raise CannotRun(f"Can't start {command[0]}: {error.strerror}") from error
        except ValueError as error:
            raise CannotRun(f"Can't start {command[0]}: {error}") from error


class _Execution:
    """One started process until it is over and read to the end."""

    def __init__(self, group: ProcessGroup, step: RunStepMessage, sink: LineSink, halt: Halt) -> None:
        self._group = group
        self._step = step
        self._sink = sink
        self._halt = halt
        self._watch = OutputWatch()
        self._stderr = b""
        self._is_timed_out = False
        self._is_halted = False

    async def run(self, output_file: Path) -> StepResult:
        readers = [PipeReader(pipe) for pipe in self._group.pipes]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pump(readers[0], "stdout", self._sink, self._watch.see), name="stdout")
            tasks.create_task(pump(readers[1], "stderr", self._sink, self._see_stderr), name="stderr")
            try:
                await self._wait(tasks)
            finally:  # also when this task is cancelled: nothing is left running
                await self._group.kill()
                status = await self._group.clear()
                for reader in readers:
                    reader.finish_within(PIPE_GRACE)
        return self._judge(status, output_file)

    def _see_stderr(self, data: bytes) -> None:
        self._stderr = (self._stderr + data)[-STDERR_BYTES:]

    async def _wait(self, tasks: asyncio.TaskGroup) -> None:
        """Until the process has ended, its time is up, or somebody wants it to end."""
        ended = tasks.create_task(self._group.ended(), name="process")
        asked = tasks.create_task(self._halt.asked(), name="halt")
        done, pending = await asyncio.wait(
            (ended, asked), timeout=self._step.timeout_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for task in pending:
            task.cancel()
        self._is_timed_out = not done
        self._is_halted = asked in done and ended not in done

    def _judge(self, status: int, output_file: Path) -> StepResult:
        if self._is_timed_out:
            return StepResult(Outcome.TIMED_OUT, error=f"Step timed out after {self._step.timeout_seconds:g}s")
        if self._is_halted:
            return StepResult(Outcome.CANCELLED, error="Step was cancelled")
        if status < 0:
            return StepResult(
                Outcome.FAILED, error=f"Killed by signal {-status} ({_name(-status)})", exit_code=128 - status
            )
        if status > 0:
            told = self._stderr.decode("utf-8", "replace").rstrip()
            return StepResult(Outcome.FAILED, error=f"Exit code: {status}\nStderr: {told}", exit_code=status)
        try:
            return StepResult(Outcome.COMPLETED, output=gather_output(self._watch, output_file), exit_code=0)
        except OutputRefused as refusal:
            return StepResult(Outcome.FAILED, error=str(refusal), exit_code=0)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
