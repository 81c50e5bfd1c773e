"""Runs function actions: a call of Python code of the workspace in a process that is warm."""

import asyncio
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from services.worker.functions.pool import FunctionPool, Serves
from services.worker.functions.warm_process import WarmProcess
from services.worker.halt import Halt
from services.worker.process_group import Launch, ProcessGroups
from services.worker.read_output import LineSink, PipeReader, pump
from services.worker.runners.environment import build_environment, passed_on
from services.worker.runners.execution import PIPE_GRACE, Deadline, Ending, Execution
from services.worker.runners.memory_limit import name_limit, read_limit
from services.worker.runners.packages import InstallFailed, Packages
from services.worker.runners.runner import CannotRun, StepResult
from services.worker.runners.script import judge_install, start
from services.worker.runners.toolchain import Toolchain
from services.worker.step_output import OutputRefused, check_output
from shared.engine.states import Outcome
from shared.messages.wire import RunStepMessage

_CALL = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_AT_ONCE = timedelta(0)


class FunctionRunner:
    """Calls `package.module:function` with the step's input as keyword arguments; what it returns is the output."""

    def __init__(self, pool: FunctionPool, processes: ProcessGroups, packages: Packages) -> None:
        self._pool = pool
        self._processes = processes
        self._packages = packages

    async def run(self, step: RunStepMessage, sink: LineSink, halt: Halt) -> StepResult:
        if not _CALL.fullmatch(str(step.spec.get("call"))):
            raise CannotRun(f"call {step.spec.get('call')!r} is no package.module:function")
        deadline = Deadline(step.timeout_seconds)
        try:
            program = await self._find_program(step, sink, halt, deadline)
        except InstallFailed as failure:
            return judge_install(failure.ending, step)
        memory = read_limit(step.spec)
        serves = Serves(step.workspace, step.revision, program, memory)
        process = await self._pool.take(serves)
        try:
            return name_limit(await _Call(process, step, sink, halt, deadline).run(), memory)
        finally:
            self._pool.give_back(serves, process)

    async def _find_program(
        self, step: RunStepMessage, sink: LineSink, halt: Halt, deadline: Deadline
    ) -> tuple[str, ...]:
        async def install(launch: Launch) -> Ending:
            return await Execution(start(self._processes, launch), sink, halt, deadline).run()

        packages = step.spec.get("dependencies")
        if not packages:
            return ()
        toolchain = Toolchain(self._packages, install, deadline, path=passed_on().get("PATH", os.defpath))
        return tuple(await toolchain.find_python(packages))


@dataclass(frozen=True, slots=True)
class _Call:
    """One call until it is over and its lines are read."""

    process: WarmProcess
    step: RunStepMessage
    sink: LineSink
    halt: Halt
    deadline: Deadline

    async def run(self) -> StepResult:
        """Call it; a process that does not answer in time is killed."""
        readers = [PipeReader(pipe) for pipe in self.process.new_pipes()]
        status: int | None = None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pump(readers[0], "stdout", self.sink), name="stdout")
            tasks.create_task(pump(readers[1], "stderr", self.sink), name="stderr")
            answer = tasks.create_task(self._answer(), name="call")
            asked = tasks.create_task(self.halt.asked(), name="halt")
            done: set[asyncio.Task[Any]] = set()
            try:
                done, _ = await asyncio.wait(
                    (answer, asked), timeout=self.deadline.left_seconds, return_when=asyncio.FIRST_COMPLETED
                )
            finally:  # also when this task is cancelled: nothing is left running
                asked.cancel()
                if answer not in done or answer.result() is None:
                    status = await self.process.end()
                for reader in readers:  # what a call wrote is in the pipes when it answers
                    reader.finish_within(_AT_ONCE if status is None else PIPE_GRACE)
        if answer in done:
            return _judge(answer.result(), status)
        ending = Ending(status or 0, is_timed_out=not done, is_halted=bool(done))
        return ending.as_failure(timeout_seconds=self.deadline.seconds) or _judge(None, status)

    async def _answer(self) -> dict[str, Any] | None:
        folder = self.process.folder
        if folder is None:
            raise CannotRun("the process has no workspace")
        input_file = folder / "input.json"
        input_file.write_bytes(orjson.dumps(self.step.input))
        environment = build_environment(self.step, input_file=input_file, output_file=folder / "output")
        return await self.process.call(self.step.spec["call"], self.step.input, environment)


def _judge(answer: dict[str, Any] | None, status: int | None) -> StepResult:
    if answer is None:
        result = Ending(status or 0).as_failure(timeout_seconds=None)
        return StepResult(
            Outcome.FAILED,
            error=f"The function's process ended: {result.error if result else 'Exit code: 0'}",
            exit_code=result.exit_code if result else 0,
        )
    if "error" in answer:
        return StepResult(Outcome.FAILED, error=answer["error"])
    try:
        check_output(answer["output"])
    except OutputRefused as refusal:
        return StepResult(Outcome.FAILED, error=str(refusal))
    return StepResult(Outcome.COMPLETED, output=answer["output"])
