"""Jobs on their way through orchestration: a workspace, an echoing worker, a dispatcher."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.dispatcher.settings import DispatcherSettings
from services.dispatcher.wiring import Dispatcher, build
from shared.broker.ports import Broker, Delivery, Outgoing
from shared.broker.topology import EVENT_EXCHANGE, partition_of, step_queue
from shared.definition.load import check_text
from shared.definition.templates import JinjaRenderer
from shared.engine.job import Job
from shared.engine.states import Outcome
from shared.messages.wire import EventMessage, RunStepMessage, StepFinishedMessage, StepStartedMessage
from shared.orchestration.catalog import Catalog
from shared.orchestration.create_job import NewJob
from shared.orchestration.orchestrator import Orchestrator
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.lifecycle import Lifecycle
from shared.storage.ports import Storage
from shared.storage.records import RevisionRecord, WorkspaceRecord
from tests.support.eventually import eventually

WORKSPACE = "demo"
ROUTE = "script"
Answer = Callable[[RunStepMessage], Outcome]


def chain(count: int, *, name: str = "chain") -> str:
    """A task of steps that follow one another."""
    steps = [f"      s{number}: {{type: script, script: 'true'" for number in range(count)]
    lines = [line + (f", depends_on: [s{number - 1}]}}" if number else "}") for number, line in enumerate(steps)]
    return "\n".join(["tasks:", f"  {name}:", "    flow:", *lines, ""])


async def put_workspace(storage: Storage, text: str, *, name: str = WORKSPACE, revision: str = "r1") -> None:
    """Keep a workspace that consists of one file, and make it current."""
    definition, problems = check_text(text.encode())
    assert not [problem for problem in problems if problem.is_error], problems
    record = RevisionRecord(name, revision, definition.model_dump(mode="json"))
    await storage.workspaces.put_revision(record, b"")
    await storage.workspaces.set_current(WorkspaceRecord(name, revision, None, datetime.now(UTC)))


def a_new_job(task: str = "chain", **fields: object) -> NewJob:
    """A wish for a job, as the api has it."""
    return NewJob(**{"workspace": WORKSPACE, "task": task, "input": {}, "source_type": "api", **fields})  # type: ignore[arg-type]


def an_orchestrator(
    storage: Storage, broker: Broker, clock: Clock | None = None, *, partitions: int = 8
) -> Orchestrator:
    """One process's orchestrator; nothing of it runs yet."""
    clock = clock or SystemClock()
    catalog = Catalog(storage.workspaces, clock=clock)
    return Orchestrator(storage, broker, catalog, JinjaRenderer(), clock, partitions=partitions)


@asynccontextmanager
async def running(orchestrator: Orchestrator) -> AsyncIterator[Lifecycle]:
    """Its relay runs meanwhile."""
    lifecycle = Lifecycle()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(orchestrator.run(lifecycle))
        try:
            yield lifecycle
        finally:
            lifecycle.stopping.set()


@asynccontextmanager
async def dispatching(storage: Storage, broker: Broker, *, partitions: int = 8) -> AsyncIterator[Dispatcher]:
    """A whole dispatcher runs meanwhile."""
    dispatcher = build(DispatcherSettings(partitions=partitions), storage=storage, broker=broker)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(dispatcher.run())
        try:
            yield dispatcher
        finally:
            dispatcher.lifecycle.stopping.set()


@dataclass
class EchoWorker:
    """Takes steps and reports them as started and finished at once; `seen` are `(job, step, attempt)`."""

    broker: Broker
    partitions: int = 8
    answer: Answer = lambda _: Outcome.COMPLETED
    seen: list[tuple[str, str, int]] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    @asynccontextmanager
    async def working(self, route: str = ROUTE) -> AsyncIterator["EchoWorker"]:
        """It works meanwhile."""
        subscription = await self.broker.subscribe(step_queue(route), prefetch=100)

        async def work() -> None:
            while taken := await subscription.take(100):
                self.deliveries += taken
                await self.broker.publish([message for delivery in taken for message in self._reports(delivery)])
                await subscription.acknowledge(taken)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work())
            try:
                yield self
            finally:
                await subscription.close()

    def _reports(self, delivery: Delivery) -> Sequence[Outgoing]:
        message = delivery.message
        assert isinstance(message, RunStepMessage)
        self.seen.append((message.job_id, message.step, message.attempt))
        key = str(partition_of(message.job_id, self.partitions))
        events = (started(message), finished(message, self.answer(message)))
        return [Outgoing(EVENT_EXCHANGE, key, event) for event in events]


def started(run: RunStepMessage, worker_id: str = "w1") -> StepStartedMessage:
    """A worker's first word about an attempt."""
    return StepStartedMessage(
        id=f"{run.id}/started",
        occurred_at=datetime.now(UTC),
        job_id=run.job_id,
        step=run.step,
        attempt=run.attempt,
        worker_id=worker_id,
    )


def finished(run: RunStepMessage, outcome: Outcome = Outcome.COMPLETED, worker_id: str = "w1") -> StepFinishedMessage:
    """A worker's last word about an attempt."""
    return StepFinishedMessage(
        id=f"{run.id}/finished",
        occurred_at=datetime.now(UTC),
        job_id=run.job_id,
        step=run.step,
        attempt=run.attempt,
        worker_id=worker_id,
        outcome=outcome,
        output={"step": run.step} if outcome is Outcome.COMPLETED else None,
        error=None if outcome is Outcome.COMPLETED else "Exit code: 1",
    )


def event_of(message: EventMessage, partitions: int = 8) -> Outgoing:
    """An event on its way to the dispatcher."""
    return Outgoing(EVENT_EXCHANGE, str(partition_of(message.job_id, partitions)), message)


async def job_ended(storage: Storage, job_id: str) -> Job:
    """The job, once it has ended and nothing of it is open."""

    async def check() -> Job | None:
        stored = (await storage.jobs.load([job_id]))[job_id]
        is_over = stored.job.status.is_terminal and not stored.job.open_steps
        return stored.job if is_over else None

    found = await eventually(check, told=f"job {job_id} has ended")
    assert found is not None
    return found
