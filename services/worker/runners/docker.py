"""Runs actions in containers of their own."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import orjson
import structlog
from uuid_utils import uuid7

from services.worker.artifacts import Artifacts
from services.worker.halt import Halt
from services.worker.read_output import LineSink, pump
from services.worker.runners.docker_output import ContainerOutput
from services.worker.runners.docker_ports import STDERR, STDOUT, Engine, EngineFailed, ImageMissing
from services.worker.runners.docker_request import WRITABLE, Limits, Marks, build_config, read_image
from services.worker.runners.execution import STDERR_BYTES, Deadline, Ending, race
from services.worker.runners.runner import CannotRun, StepResult
from services.worker.state import AttemptState, States
from services.worker.step_output import OutputRefused, OutputWatch, gather_output
from services.worker.workspace_cache import WorkspaceCache
from shared.engine.states import Outcome
from shared.messages.wire import RunStepMessage

log = structlog.get_logger()

TERM_GRACE_SECONDS = 5  # between SIGTERM and SIGKILL, as for processes
LAST_OUTPUT = timedelta(seconds=5)  # from the end of the container to the end of its output
TRIES = 2  # somebody may remove the image between the look and the start


class DockerRunner:
    """A container per attempt; it sees the workspace at the job's revision, read-only."""

    def __init__(
        self,
        engine: Engine,
        workspaces: WorkspaceCache,
        limits: Limits,
        marks: Marks,
        artifacts: Artifacts,
        states: States,
    ) -> None:
        self.running: set[str] = set()
        self._engine = engine
        self._workspaces = workspaces
        self._limits = limits
        self._marks = marks
        self._artifacts = artifacts
        self._states = states

    async def run(self, step: RunStepMessage, sink: LineSink, halt: Halt) -> StepResult:
        deadline = Deadline(step.timeout_seconds)
        image = read_image(step.spec, self._limits)
        folder = await self._workspaces.check_out(step.workspace, step.revision)
        name = f"headrace-{uuid7()}"
        self.running.add(name)
        try:
            output_file = _write_files(step, folder)
            state = await self._states.open(step, folder)
            folders = {name: Path(found) for name, found in state.environment.items()}
            folders["ARTIFACTS_DIR"] = folder / "artifacts"
            _open_up(folders)
            config = build_config(step, folder, image, self._limits, self._marks, folders)
            ending, watch = await _Attempt(self._engine, name, image, sink, halt, deadline, state).run(config)
            result = ending.as_failure(timeout_seconds=deadline.seconds) or _take_output(watch, output_file)
            result = await self._states.keep(state, step, result, sink.redactor, halt)
            return await self._artifacts.keep(step, folders["ARTIFACTS_DIR"], result)
        except EngineFailed as failure:
            return StepResult(Outcome.FAILED, error=str(failure))
        finally:
            await self._remove(name)
            self.running.discard(name)
            self._workspaces.discard(folder)

    async def _remove(self, name: str) -> None:
        try:
            await self._engine.remove(name)
        except EngineFailed as failure:  # the sweep removes it later
            log.warning("container.not_removed", container=name, error=str(failure))


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One container from its making to its end."""

    engine: Engine
    name: str
    image: str
    sink: LineSink
    halt: Halt
    deadline: Deadline
    state: AttemptState

    async def run(self, config: dict[str, object]) -> tuple[Ending, OutputWatch]:
        """Fetch the image if need be, run the container, read it to the end."""
        watch = OutputWatch()
        refusals: list[str] = []

        async def prepare() -> None:
            try:
                await self._prepare(config)
            except EngineFailed as failure:
                refusals.append(str(failure))

        async with asyncio.TaskGroup() as tasks:
            is_timed_out, is_halted = await race(tasks, prepare, self.halt, self.deadline)
        if is_timed_out or is_halted:
            return Ending(0, is_timed_out=is_timed_out, is_halted=is_halted), watch
        if refusals:
            raise CannotRun(refusals[0])
        return await self._see_through(watch), watch

    async def _prepare(self, config: dict[str, object]) -> None:
        for attempt in range(1, TRIES + 1):
            if not await self.engine.has_image(self.image):
                await self._pull()
            try:
                await self.engine.create(self.name, config)
            except ImageMissing:
                if attempt == TRIES:
                    raise
            else:
                return

    async def _pull(self) -> None:
        await self.sink.write("stderr", [f"Fetching the image {self.image}"])
        try:
            await self.engine.pull(self.image)
        except EngineFailed as failure:
            raise EngineFailed(f"The image {self.image!r} is not here and can't be fetched: {failure}") from failure

    async def _see_through(self, watch: OutputWatch) -> Ending:
        ended = _Ended()
        output = ContainerOutput(await self.engine.attach(self.name))
        stderr = _Tail()

        def see(data: bytes) -> None:
            watch.see(data)
            self.state.see(data)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(output.carry(), name="output")
            tasks.create_task(pump(output.reader(STDOUT), "stdout", self.sink, raw=see), name="stdout")
            tasks.create_task(pump(output.reader(STDERR), "stderr", self.sink, clean=stderr.see), name="stderr")
            try:
                is_timed_out, is_halted = await race(tasks, lambda: self._run(ended), self.halt, self.deadline)
                if is_timed_out or is_halted:
                    await self._stop(output)
            finally:
                output.finish_within(LAST_OUTPUT)
        if is_timed_out or is_halted:
            return Ending(0, is_timed_out=is_timed_out, is_halted=is_halted)
        failure = ended.failure or output.failure
        if failure is not None:
            raise failure
        return Ending(ended.status, await self._explain(ended.status, stderr.text))

    async def _run(self, ended: "_Ended") -> None:
        try:
            await self.engine.start(self.name)
            ended.status = await self.engine.wait(self.name)
        except EngineFailed as failure:
            ended.failure = failure

    async def _stop(self, output: ContainerOutput) -> None:
        try:
            await self.engine.stop(self.name, grace_seconds=TERM_GRACE_SECONDS)
        except EngineFailed as failure:  # it is removed next, which kills it too
            log.warning("container.not_stopped", container=self.name, error=str(failure))
            output.abandon()

    async def _explain(self, status: int, stderr: str) -> str:
        with suppress(EngineFailed):
            if status and await self.engine.is_out_of_memory(self.name):
                return f"{stderr}\nThe container used more memory than it may".lstrip()
        return stderr


@dataclass(slots=True)
class _Ended:
    """How the container ended."""

    status: int = 0
    failure: EngineFailed | None = None


class _Tail:
    """The end of a stream."""

    def __init__(self) -> None:
        self._data = b""

    def see(self, data: bytes) -> None:
        """Keep the last bytes."""
        self._data = (self._data + data)[-STDERR_BYTES:]

    @property
    def text(self) -> str:
        """As text."""
        return self._data.decode("utf-8", "replace").rstrip()


def _write_files(step: RunStepMessage, folder: Path) -> Path:
    """The files beside the workspace; others may use them, but not reach them: the folder is the worker's alone."""
    (folder / "input.json").write_bytes(orjson.dumps(step.input))
    (folder / "input.json").chmod(0o644)
    output_file = folder / "output"
    output_file.touch()
    output_file.chmod(0o666)
    return output_file


def _open_up(folders: Mapping[str, Path]) -> None:
    for variable, found in folders.items():
        found.mkdir(exist_ok=True)
        found.chmod(0o777 if variable in WRITABLE else 0o755)


def _take_output(watch: OutputWatch, output_file: Path) -> StepResult:
    try:
        return StepResult(Outcome.COMPLETED, output=gather_output(watch, output_file), exit_code=0)
    except OutputRefused as refusal:
        return StepResult(Outcome.FAILED, error=str(refusal), exit_code=0)
