"""Runs steps in containers and keeps what they write."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from services.worker.artifacts import Artifacts
from services.worker.halt import Halt
from services.worker.redact import NOTHING_SECRET, Redactor
from services.worker.runners.docker import DockerRunner
from services.worker.runners.docker_engine import DockerEngine
from services.worker.runners.docker_request import LABEL_SYSTEM, LABEL_WORKER, Limits, Marks
from services.worker.runners.docker_sweep import DockerSweep
from services.worker.runners.runner import StepResult
from services.worker.ship_logs import Stream
from services.worker.state import States
from services.worker.workspace_cache import WorkspaceCache
from shared.messages.wire import RunStepMessage
from shared.runtime.clock import SystemClock
from shared.storage.memory import MemoryStorage
from tests.docker.daemon import IMAGE, ask
from tests.support.eventually import eventually

WORKSPACE = "stories"
SYSTEM = "test-system"
LIMITS = Limits(memory_mb=64, cpus=1.0, pids=32, network="none", image=IMAGE)


@dataclass
class Written:
    """A sink that keeps every line."""

    redactor: Redactor = NOTHING_SECRET
    lines: list[tuple[str, str]] = field(default_factory=list)

    async def write(self, stream: Stream, texts: Sequence[str]) -> None:
        """Keep them."""
        self.lines += [(stream, text) for text in texts]

    def texts(self, stream: str) -> list[str]:
        """The lines of one stream."""
        return [text for name, text in self.lines if name == stream]


@dataclass
class Running:
    """A step on its way."""

    task: "asyncio.Task[StepResult]"
    halt: Halt
    written: Written


@dataclass
class ContainerBench:
    """A runner on a real engine."""

    engine: DockerEngine
    url: str
    workspaces: WorkspaceCache
    storage: MemoryStorage
    limits: Limits = LIMITS
    worker_id: str = "w1"

    def runner(self, **limits: Any) -> DockerRunner:
        """A runner with other limits."""
        marks = Marks(SYSTEM, self.worker_id)
        artifacts = Artifacts(self.storage.artifacts, SystemClock())
        states = States(self.storage.snapshots, SystemClock())
        return DockerRunner(self.engine, self.workspaces, replace(self.limits, **limits), marks, artifacts, states)

    async def run(self, cmd: str = "", *, limits: dict[str, Any] | None = None, **changes: Any) -> Any:
        """Run a container to its end; answers its result and what it wrote."""
        written = Written()
        result = await self.runner(**(limits or {})).run(step(cmd, **changes), written, Halt())
        assert self.containers() == []
        return result, written

    async def start(self, cmd: str, *, shows: str, runner: DockerRunner | None = None, **changes: Any) -> Running:
        """Run a container beside the test; returns once it has written `shows`."""
        halt, written = Halt(), Written()
        task = asyncio.create_task((runner or self.runner()).run(step(cmd, **changes), written, halt))
        await eventually(lambda: task.done() or ("stdout", shows) in written.lines)
        return Running(task, halt, written)

    def containers(self, worker_id: str | None = None) -> list[str]:
        """The names of all containers, of one worker if given."""
        label = f"{LABEL_WORKER}={worker_id}" if worker_id else f"{LABEL_SYSTEM}={SYSTEM}"
        return ask(self.url, "ps", "--all", "--format={{.Names}}", f"--filter=label={label}").split()

    def sweep(self, runner: DockerRunner | None = None) -> DockerSweep:
        """What removes leftovers."""
        running: set[str] = set() if runner is None else runner.running
        marks = Marks(SYSTEM, self.worker_id)
        return DockerSweep(self.engine, self.storage.workers, SystemClock(), marks, lambda: running)


def step(cmd: str = "", **changes: Any) -> RunStepMessage:
    """A step of type docker that runs `cmd`."""
    values: dict[str, Any] = {
        "id": "c1",
        "occurred_at": datetime.now(UTC),
        "correlation_id": "j1",
        "job_id": "j1",
        "workspace": WORKSPACE,
        "task": "test",
        "revision": "r1",
        "step": "step",
        "attempt": 1,
        "route": "docker",
        "action_name": "test",
        "action_type": "docker",
        "runner": "docker",
        "input": {},
        **changes,
        "spec": {"image": IMAGE, **({"cmd": cmd} if cmd else {}), **changes.get("spec", {})},
    }
    return RunStepMessage(**values)
