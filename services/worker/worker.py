"""One worker process from its first heartbeat to its last."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from services.worker.attempts import Attempts
from services.worker.functions.pool import FunctionPool
from services.worker.guard import Guard
from services.worker.hear_control import ControlHearer
from services.worker.heartbeat import Heartbeat
from services.worker.process_group import ProcessGroups, reap_unknown
from services.worker.settings import WorkerSettings
from services.worker.take_steps import StepTaker
from services.worker.wire_docker import Containers
from services.worker.workspace_cache import WorkspaceCache
from shared.broker.ports import Broker
from shared.errors import Unavailable
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Lifecycle
from shared.storage.ports import Storage
from shared.telemetry.probe import serve_probe

log = structlog.get_logger()

LAST_WORDS = timedelta(seconds=15)  # to kill what is left (5 s), ship its log and report it; then the process just ends
REAP_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Takes steps until the lifecycle stops, then drains: steps in hand may finish, the rest is handed back."""

    id: str
    settings: WorkerSettings
    lifecycle: Lifecycle
    clock: Clock
    broker: Broker
    storage: Storage
    attempts: Attempts
    processes: ProcessGroups
    workspaces: WorkspaceCache
    functions: FunctionPool
    containers: Containers | None
    heartbeat: Heartbeat
    control: ControlHearer
    taker: StepTaker
    is_alone: bool = False  # in this process: then every dead child that nobody knows is an orphan of a step
    aftermath: Lifecycle = field(init=False)  # the loops that go on while the worker drains

    def __post_init__(self) -> None:
        object.__setattr__(self, "aftermath", Lifecycle())

    async def run(self) -> None:
        """Run until stopped and drained.

        Raises:
            Unavailable: the broker or the database is not there at the start.
        """
        try:
            with Guard(self.id):
                async with self.workspaces, self.functions:
                    await self.control.open()
                    await self.heartbeat.beat()
                    log.info("worker.started", slots=self.settings.worker_slots, tags=self.settings.worker_tags)
                    async with self._loops():
                        await self._take_and_drain()
                    with suppress(Unavailable):
                        await self.heartbeat.leave()
        finally:
            if self.containers is not None:
                await self.containers.engine.close()
            await self.broker.close()
            await self.storage.close()
        log.info("worker.stopped")

    async def check(self) -> dict[str, str]:
        """Each part's state, "ok" or what is wrong."""
        states = {"broker": "ok" if self.broker.is_ready else "not connected"}
        try:
            await self.storage.ping()
            states["database"] = "ok"
        except Unavailable as error:
            states["database"] = error.message
        return states | self.lifecycle.troubles | self.aftermath.troubles

    @asynccontextmanager
    async def _loops(self) -> AsyncIterator[None]:
        """What runs beside the steps, to the end of the last."""
        settings = self.settings
        bodies = {"heartbeat": self.heartbeat.round, "control": self.control.hear, "orphans": self._reap_orphans}
        if self.containers is not None:
            bodies["containers"] = self.containers.sweep.round
        async with asyncio.TaskGroup() as tasks:
            loops = [tasks.create_task(self.aftermath.repeat(name, body), name=name) for name, body in bodies.items()]
            tasks.create_task(
                serve_probe(settings.worker_probe_host, settings.worker_probe_port, self.check, self.aftermath.stopping)
            )
            try:
                yield
            finally:
                self.aftermath.stopping.set()
                for loop in loops:
                    loop.cancel()

    async def _take_and_drain(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            taking = tasks.create_task(self.taker.run(self.storage.routes), name="take_steps")
            await self.lifecycle.stopping.wait()
            log.info("worker.draining", running=len(self.attempts.running))
            self.heartbeat.drain()
            await asyncio.wait((taking,), timeout=self.settings.worker_drain_seconds)
            self.attempts.drain()
            await asyncio.wait((taking,), timeout=LAST_WORDS.total_seconds())
            if not taking.done():
                log.error("worker.gave_up", running=len(self.attempts.running))
                taking.cancel()

    async def _reap_orphans(self) -> None:
        if self.is_alone:
            reap_unknown(self.processes.leaders)
        await self.clock.sleep(REAP_EVERY)
