"""A batch of events: saved before it is acknowledged, and never blocked by one that can't be handled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from services.dispatcher.handle_batch import HandleBatch
from shared.broker.ports import Delivery, Outgoing, Subscription
from shared.broker.topology import DEAD_QUEUE, EVENT_EXCHANGE, event_queue, partition_of
from shared.engine.events import Event, StepStarted
from shared.engine.states import JobStatus
from shared.errors import Broken, StoreUnavailable
from shared.messages.wire import EventMessage, LogChunkMessage, RunStepMessage
from shared.orchestration.orchestrator import Orchestrator
from tests.support.eventually import eventually
from tests.support.orchestration import a_new_job, chain, event_of, finished, running, started
from tests.unit.orchestration.world import World, a_world


@dataclass
class Stumbling:
    """An orchestrator that can't decide events of one worker, as if the engine had a defect there."""

    orchestrator: Orchestrator
    bad_worker: str = "bad"
    batches: list[int] = field(default_factory=list)

    async def apply(self, events: Mapping[str, Sequence[Event]]) -> None:
        self.batches.append(len(events))
        for each in events.values():
            if any(isinstance(event, StepStarted) and event.worker_id == self.bad_worker for event in each):
                raise Broken("a ready step can't be eaten")
        await self.orchestrator.apply(events)


async def _runs(world: World, count: int) -> list[RunStepMessage]:
    """The first steps of new jobs whose events share a partition."""
    async with running(world.orchestrator):
        wanted: set[str] = set()
        while len(wanted) < count:
            job = await world.orchestrator.create(a_new_job())
            if partition_of(job.id, 8) == 0:
                wanted.add(job.id)
        await eventually(lambda: wanted <= {run.job_id for run in world.steps_in_queue()})
        return [run for run in world.steps_in_queue() if run.job_id in wanted]


async def _take(subscription: Subscription, count: int) -> list[Delivery]:
    taken: list[Delivery] = []
    while len(taken) < count:
        taken += await subscription.take(count - len(taken))
    return taken


async def _status(world: World, run: RunStepMessage) -> JobStatus:
    return (await world.jobs.load([run.job_id]))[run.job_id].job.status


async def test_a_batch_is_saved_and_then_acknowledged() -> None:
    world = await a_world(chain(1))
    runs = await _runs(world, 3)
    await world.broker.publish([event_of(event) for run in runs for event in (started(run), finished(run))])
    subscription = await world.broker.subscribe(event_queue(0), prefetch=100)
    await HandleBatch(world.orchestrator, subscription).handle(await _take(subscription, 6))
    assert [len(saves) for saves in world.jobs.saves] == [3]
    assert {await _status(world, run) for run in runs} == {JobStatus.COMPLETED}
    world.broker.lose_connection()
    assert world.messages_in(event_queue(0).name) == []


async def test_an_event_that_can_not_be_decided_is_buried_with_its_reason_and_the_others_go_on() -> None:
    world = await a_world(chain(1))
    runs = await _runs(world, 3)
    events: list[EventMessage] = [
        started(runs[0], "bad"),
        started(runs[1]),
        finished(runs[1]),
        started(runs[2]),
        finished(runs[2]),
    ]
    await world.broker.publish([event_of(event) for event in events])
    subscription = await world.broker.subscribe(event_queue(0), prefetch=100)
    stumbling = Stumbling(world.orchestrator)
    handle = HandleBatch(stumbling, subscription)  # type: ignore[arg-type]
    await handle.handle(await _take(subscription, 5))
    assert [await _status(world, run) for run in runs] == [JobStatus.PENDING, JobStatus.COMPLETED, JobStatus.COMPLETED]
    (dead,) = world.broker.server.waiting_in(DEAD_QUEUE.name)
    assert "a ready step can't be eaten" in str(dict(dead.headers))
    assert world.messages_in(event_queue(0).name) == []


async def test_a_message_that_is_no_event_is_buried() -> None:
    world = await a_world(chain(1))
    now = datetime.now(UTC)
    chunk = LogChunkMessage(id="c", occurred_at=now, job_id="job", step="a", attempt=1, first=0, lines=[])
    await world.broker.publish([Outgoing(EVENT_EXCHANGE, "0", chunk)])
    subscription = await world.broker.subscribe(event_queue(0), prefetch=100)
    await HandleBatch(world.orchestrator, subscription).handle(await _take(subscription, 1))
    (dead,) = world.broker.server.waiting_in(DEAD_QUEUE.name)
    assert "log.chunk is not an event of a job" in str(dict(dead.headers))


async def test_while_the_database_is_down_nothing_is_acknowledged() -> None:
    world = await a_world(chain(1))
    (run,) = await _runs(world, 1)
    await world.broker.publish([event_of(started(run)), event_of(finished(run))])
    subscription = await world.broker.subscribe(event_queue(0), prefetch=100)
    deliveries = await _take(subscription, 2)
    handle = HandleBatch(world.orchestrator, subscription)
    world.jobs.lost_answers = 1
    with pytest.raises(StoreUnavailable):
        await handle.handle(deliveries)
    world.broker.lose_connection()
    again = await _take(subscription, 2)
    assert [each.is_repeat for each in again] == [True, True]
    await handle.handle(again)
    assert await _status(world, run) is JobStatus.COMPLETED
