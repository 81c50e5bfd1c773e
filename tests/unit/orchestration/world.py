"""One process's orchestration in memory, with hands on its database and its broker."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.broker.memory import MemoryBroker
from shared.broker.memory_queues import MemoryServer
from shared.broker.topology import step_queue
from shared.errors import StoreUnavailable
from shared.messages.codec import decode
from shared.messages.wire import AnyMessage, RunStepMessage
from shared.orchestration.orchestrator import Orchestrator
from shared.runtime.clock import Clock, SystemClock
from shared.storage.memory import MemoryStorage
from shared.storage.memory_jobs import MemoryJobs
from shared.storage.records import JobSave, StoredJob
from tests.support.orchestration import ROUTE, an_orchestrator, chain, put_workspace


class WatchedJobs(MemoryJobs):
    """The job store, which counts its calls and can lose the answer to a save."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.loads: list[Sequence[str]] = []
        self.saves: list[Sequence[JobSave]] = []
        self.inserts: list[Sequence[StoredJob]] = []
        self.lost_answers = 0

    async def insert(self, jobs: Sequence[StoredJob]) -> list[bool]:
        self.inserts.append(jobs)
        await asyncio.sleep(0)  # a round trip lets others run
        return await super().insert(jobs)

    async def load(self, job_ids: Sequence[str]) -> dict[str, StoredJob]:
        self.loads.append(job_ids)
        await asyncio.sleep(0)
        return await super().load(job_ids)

    async def save(self, saves: Sequence[JobSave]) -> list[bool]:
        self.saves.append(saves)
        await asyncio.sleep(0)
        answers = await super().save(saves)
        if self.lost_answers:
            self.lost_answers -= 1
            raise StoreUnavailable
        return answers


@dataclass
class World:
    """A database, a broker and one process on them; others are made by `orchestrator_beside`."""

    storage: MemoryStorage
    jobs: WatchedJobs
    broker: MemoryBroker
    orchestrator: Orchestrator
    clock: Clock

    def orchestrator_beside(self) -> Orchestrator:
        """Another process's."""
        return an_orchestrator(self.storage, MemoryBroker(self.broker.server), self.clock)

    def steps_in_queue(self, route: str = ROUTE) -> list[RunStepMessage]:
        """What waits for workers, oldest first."""
        return [message for message in self.messages_in(step_queue(route).name) if isinstance(message, RunStepMessage)]

    def messages_in(self, queue: str) -> list[AnyMessage]:
        """What waits in a queue, oldest first."""
        return [decode(one.body) for one in self.broker.server.waiting_in(queue)]


async def a_world(text: str = chain(2), *, clock: Clock | None = None) -> World:
    """A world with this workspace."""
    clock = clock or SystemClock()
    storage = MemoryStorage(clock)
    storage.jobs = jobs = WatchedJobs(clock)
    broker = MemoryBroker(MemoryServer())
    await put_workspace(storage, text)
    return World(storage, jobs, broker, an_orchestrator(storage, broker, clock), clock)
