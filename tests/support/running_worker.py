"""A worker in this process, on real parts, with everything that it says gathered."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from uuid_utils import uuid7

from services.worker.settings import WorkerSettings
from services.worker.strays import adopt_orphans
from services.worker.wiring import build
from services.worker.worker import Worker
from shared.broker import rabbit
from shared.broker.ports import Broker, Outgoing, Subscription
from shared.broker.topology import CONTROL_EXCHANGE, LOG_STORE_QUEUE, STEP_EXCHANGE, event_queue, step_queue
from shared.definition.archive import pack_folder
from shared.engine.identity import command_id
from shared.messages.wire import (
    CancelStepMessage,
    JobMessage,
    LogChunkMessage,
    LogLine,
    RunStepMessage,
    StepFinishedMessage,
    StepLostMessage,
)
from shared.runtime.clock import SystemClock
from shared.runtime.lifecycle import Lifecycle
from shared.storage import client
from shared.storage.ports import Storage
from shared.storage.records import RevisionRecord
from tests.support.eventually import eventually

PARTITIONS = 2
LONG = timedelta(seconds=60)
TEXT_AT_ONCE = 500

Told = TypeVar("Told", bound=JobMessage)


@dataclass
class WorkerBench:
    """The engine's side of the queues: sends commands, keeps what comes back. Every bench has a route of its own."""

    rabbitmq_url: str
    mongo_url: str
    database: str
    cache: Path
    broker: Broker
    storage: Storage
    tag: str = field(default_factory=lambda: f"t{secrets.token_hex(4)}")
    told: list[JobMessage] = field(default_factory=list)

    @property
    def route(self) -> str:
        """The route of this bench's steps."""
        return f"script+{self.tag}"

    async def put_workspace(self, folder: Path) -> None:
        """Keep the folder as the revision `r1` of the workspace named after this bench."""
        await self.storage.workspaces.put_revision(RevisionRecord(self.tag, "r1", {}), pack_folder(folder))

    @asynccontextmanager
    async def worker(self, **settings: Any) -> AsyncIterator[Worker]:
        """A running worker, drained at the end; `stop()` of its lifecycle drains it before."""
        wanted: dict[str, Any] = {"worker_slots": 2, "worker_tags": (self.tag,), "worker_drain_seconds": 0, **settings}
        known = WorkerSettings(
            partitions=PARTITIONS,
            worker_name="bench",
            worker_exclusive="worker_tags" not in settings,
            worker_cache_dir=self.cache,
            **wanted,
        )
        broker = await rabbit.connect(self.rabbitmq_url, name="worker under test", partitions=PARTITIONS)
        storage = await client.connect(self.mongo_url, self.database)
        lifecycle = Lifecycle()
        worker = build(known, lifecycle, broker=broker, storage=storage)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run(), name="worker")
            await eventually(lambda: self.route in worker.taker.routes and broker.is_ready)
            try:
                yield worker
            finally:
                lifecycle.stopping.set()

    def step(self, script: str = "", **changes: Any) -> RunStepMessage:
        """A command to run a script."""
        job_id = str(uuid7())
        values: dict[str, Any] = {
            "id": command_id(job_id, "step", 1, "run"),
            "occurred_at": SystemClock().now(),
            "correlation_id": job_id,
            "job_id": job_id,
            "workspace": self.tag,
            "task": "test",
            "revision": "r1",
            "step": "step",
            "attempt": 1,
            "route": self.route,
            "action_name": "test",
            "action_type": "script",
            "runner": "local",
            "input": {},
            **changes,
            "spec": {"script": script, **changes.get("spec", {})},
        }
        return RunStepMessage(**values)

    async def send(self, step: RunStepMessage, *, is_repeat: bool = False) -> RunStepMessage:
        """Put the command into the queue."""
        await self.broker.publish([Outgoing(STEP_EXCHANGE, step.route, step, is_repeat=is_repeat)])
        return step

    async def cancel(self, step: RunStepMessage, worker: Worker) -> None:
        """Tell the worker to kill the attempt."""
        wish = CancelStepMessage(
            id="cancel", occurred_at=SystemClock().now(), job_id=step.job_id, step=step.step, attempt=step.attempt
        )
        await self.broker.publish([Outgoing(CONTROL_EXCHANGE, f"worker.{worker.id}", wish)])

    async def run(self, script: str = "", **changes: Any) -> StepFinishedMessage:
        """Send a script and wait for its end."""
        return await self.end_of(await self.send(self.step(script, **changes)))

    async def end_of(self, step: RunStepMessage) -> StepFinishedMessage:
        """The report of the attempt's end."""
        return (await eventually(lambda: self._about(step, StepFinishedMessage), within=LONG))[0]

    async def loss_of(self, step: RunStepMessage) -> StepLostMessage:
        """The report of the attempt's loss."""
        return (await eventually(lambda: self._about(step, StepLostMessage), within=LONG))[0]

    async def lines_of(self, end: StepFinishedMessage) -> list[LogLine]:
        """The whole log of a finished attempt; fails unless it is gapless."""
        await eventually(lambda: self._count(end) >= end.log_lines, within=LONG)
        lines: list[LogLine] = []
        for chunk in self._about(end, LogChunkMessage):
            assert chunk.first == len(lines)
            lines += chunk.lines
        assert len(lines) == end.log_lines
        return lines

    async def texts_of(self, end: StepFinishedMessage) -> list[str]:
        """The texts of the whole log of a finished attempt."""
        return [line.text for line in await self.lines_of(end)]

    async def line_seen(self, step: RunStepMessage, text: str) -> LogLine:
        """Wait until the attempt has written this line."""
        return await eventually(lambda: next((line for line in self._lines(step) if line.text == text), None))

    def chunks_of(self, step: JobMessage) -> list[LogChunkMessage]:
        """The chunks that came so far."""
        return self._about(step, LogChunkMessage)

    def events_about(self, step: JobMessage) -> list[str]:
        """The types of the events about a job, in order."""
        return [str(one.id).rpartition("/")[2] for one in self.told if _is_event(one) and one.job_id == step.job_id]

    def _about(self, step: JobMessage, kind: type[Told]) -> list[Told]:
        return [one for one in self.told if isinstance(one, kind) and one.job_id == step.job_id]

    def _lines(self, step: JobMessage) -> list[LogLine]:
        return [line for chunk in self._about(step, LogChunkMessage) for line in chunk.lines]

    def _count(self, step: JobMessage) -> int:
        return sum(len(chunk.lines) for chunk in self._about(step, LogChunkMessage))

    async def listen(self, subscription: Subscription) -> None:
        """Keep everything from one queue."""
        while deliveries := await subscription.take(TEXT_AT_ONCE):
            self.told += [one.message for one in deliveries if isinstance(one.message, JobMessage)]
            await subscription.acknowledge(deliveries)


def _is_event(message: JobMessage) -> bool:
    return not isinstance(message, LogChunkMessage)


@asynccontextmanager
async def open_bench(rabbitmq_url: str, mongo_url: str, database: str, folder: Path) -> AsyncIterator[WorkerBench]:
    """A bench whose workspace has the files of `folder`."""
    adopt_orphans()
    broker = await rabbit.connect(rabbitmq_url, name="bench", partitions=PARTITIONS)
    storage = await client.connect(mongo_url, database)
    bench = WorkerBench(rabbitmq_url, mongo_url, database, folder / "cache", broker, storage)
    await bench.put_workspace(folder / "workspace")
    await broker.declare(step_queue(bench.route))
    await storage.routes.add(bench.route)
    subscriptions = await _subscribe(broker)
    async with asyncio.TaskGroup() as tasks:
        for subscription in subscriptions:
            tasks.create_task(bench.listen(subscription))
        try:
            yield bench
        finally:
            for subscription in subscriptions:
                await subscription.close()
    await broker.close()
    await storage.close()


async def _subscribe(broker: Broker) -> Sequence[Subscription]:
    queues = [LOG_STORE_QUEUE, *(event_queue(number) for number in range(PARTITIONS))]
    return [await broker.subscribe(queue, prefetch=TEXT_AT_ONCE) for queue in queues]
