"""Runs script actions as processes on the worker's own machine."""

import os
from dataclasses import dataclass
from pathlib import Path

import orjson

from services.worker.artifacts import Artifacts
from services.worker.halt import Halt
from services.worker.process_group import Launch, ProcessGroup, ProcessGroups
from services.worker.read_output import LineSink
from services.worker.runners.command_line import build_command
from services.worker.runners.environment import build_environment
from services.worker.runners.execution import Deadline, Ending, Execution
from services.worker.runners.memory_limit import limit_memory, name_limit, read_limit
from services.worker.runners.packages import InstallFailed, Packages
from services.worker.runners.runner import CannotRun, StepResult
from services.worker.runners.toolchain import Toolchain
from services.worker.state import AttemptState, States
from services.worker.step_output import OutputRefused, OutputWatch, gather_output
from services.worker.workspace_cache import WorkspaceCache
from shared.engine.states import Outcome
from shared.messages.wire import RunStepMessage


class ScriptRunner:
    """A process per attempt, in a fresh working copy of the workspace at the job's revision."""

    def __init__(
        self,
        workspaces: WorkspaceCache,
        processes: ProcessGroups,
        packages: Packages,
        artifacts: Artifacts,
        states: States,
    ) -> None:
        self._workspaces = workspaces
        self._processes = processes
        self._packages = packages
        self._artifacts = artifacts
        self._states = states

    async def run(self, step: RunStepMessage, sink: LineSink, halt: Halt) -> StepResult:
        if step.runner != "local":
            raise CannotRun(f"runner {step.runner!r} is not supported by this worker")
        folder = await self._workspaces.check_out(step.workspace, step.revision)
        try:
            state = await self._states.open(step, folder)
            attempt = _Attempt(self._processes, self._packages, step, folder, sink, halt, state)
            result = await attempt.run(Deadline(step.timeout_seconds))
            result = await self._states.keep(state, step, result, sink.redactor, halt)
            return await self._artifacts.keep(step, attempt.artifacts, result)
        except InstallFailed as failure:
            return judge_install(failure.ending, step)
        finally:
            self._workspaces.discard(folder)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt in its folder."""

    processes: ProcessGroups
    packages: Packages
    step: RunStepMessage
    folder: Path
    sink: LineSink
    halt: Halt
    state: AttemptState

    @property
    def artifacts(self) -> Path:
        """Where it leaves files for people."""
        return self.folder / "artifacts"

    async def run(self, deadline: Deadline) -> StepResult:
        """Install what it needs, run it, take its output."""
        input_file, output_file = self.folder / "input.json", self.folder / "output"
        input_file.write_bytes(orjson.dumps(self.step.input))
        self.artifacts.mkdir()
        environment = build_environment(self.step, input_file=input_file, output_file=output_file)
        environment |= {"ARTIFACTS_DIR": str(self.artifacts), **self.state.environment}
        path, workspace = environment.get("PATH", os.defpath), self.folder / "workspace"

        async def install(launch: Launch) -> Ending:
            return await Execution(start(self.processes, launch), self.sink, self.halt, deadline).run()

        toolchain = Toolchain(self.packages, install, deadline, path=path)
        program = await toolchain.find(self.step.spec, self.folder)
        command = build_command(self.step.spec, workspace, path=path, program=program)
        memory = read_limit(self.step.spec)
        group = start(self.processes, Launch(limit_memory(command, memory), environment, workspace))
        watch = OutputWatch()

        def see(data: bytes) -> None:
            watch.see(data)
            self.state.see(data)

        ending = await Execution(group, self.sink, self.halt, deadline).run(see_stdout=see)
        failure = ending.as_failure(timeout_seconds=deadline.seconds)
        return name_limit(failure, memory) if failure else _take_output(watch, output_file)


def start(processes: ProcessGroups, launch: Launch) -> ProcessGroup:
    """Start a program.

    Raises:
        CannotRun: it can't be.
    """
    try:
        return processes.start(launch)
    except OSError as error:
        raise CannotRun(f"Can't start {launch.argv[0]}: {error.strerror}") from error
    except ValueError as error:
        raise CannotRun(f"Can't start {launch.argv[0]}: {error}") from error


def _take_output(watch: OutputWatch, output_file: Path) -> StepResult:
    try:
        return StepResult(Outcome.COMPLETED, output=gather_output(watch, output_file), exit_code=0)
    except OutputRefused as refusal:
        return StepResult(Outcome.FAILED, error=str(refusal), exit_code=0)


def judge_install(ending: Ending, step: RunStepMessage) -> StepResult:
    """What a failed installation makes of its step."""
    result = ending.as_failure(timeout_seconds=step.timeout_seconds)
    if result is None or result.outcome is not Outcome.FAILED:
        return result or StepResult(Outcome.FAILED, error="The dependencies could not be installed")
    told = f"The dependencies could not be installed: {result.error}"
    return StepResult(Outcome.FAILED, error=told, exit_code=result.exit_code)
