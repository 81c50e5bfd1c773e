"""Silent workers: their steps are called lost, by any number of schedulers, and run again."""

from datetime import UTC, datetime, timedelta

import pytest

from services.dispatcher.handle_batch import HandleBatch
from services.scheduler.find_lost import FindLost
from shared.broker.topology import event_queue, partition_of
from shared.engine.events import StepStarted
from shared.errors import BrokerUnavailable
from shared.messages.wire import StepLostMessage
from shared.runtime.clock import ManualClock
from shared.storage.records import RunningStep, WorkerRecord
from tests.support.orchestration import a_new_job
from tests.unit.orchestration.world import World, a_world

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TIMEOUT = timedelta(seconds=15)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEGIN)


def finder(world: World) -> FindLost:
    """One process's watch."""
    return FindLost(world.storage.workers, world.jobs, world.broker, world.clock, partitions=8, silent_for=TIMEOUT)


def a_worker(*running: RunningStep, name: str = "w1") -> WorkerRecord:
    """A worker with these attempts in hand."""
    return WorkerRecord(name, name, ("script",), (), is_exclusive=False, slots=4, version="1", running=running)


def lost(world: World) -> set[tuple[str, str, int, str]]:
    """What was called lost."""
    messages = [message for number in range(8) for message in world.messages_in(event_queue(number).name)]
    return {
        (each.job_id, each.step, each.attempt, each.worker_id) for each in messages if isinstance(each, StepLostMessage)
    }


async def test_a_worker_that_beats_is_left_alone(clock: ManualClock) -> None:
    world = await a_world(clock=clock)
    await world.storage.workers.beat(a_worker())
    await clock.advance(timedelta(seconds=14))
    assert await finder(world).look() == 0


async def test_what_the_heartbeat_and_what_the_jobs_say_is_lost_together(clock: ManualClock) -> None:
    world = await a_world(clock=clock)
    job = await world.orchestrator.create(a_new_job())
    await world.orchestrator.apply({job.id: [StepStarted(clock.now(), "s0", 1, "w1")]})
    await world.storage.workers.beat(a_worker(RunningStep("job-2", "b", 2)))
    await clock.advance(timedelta(seconds=16))
    find = finder(world)
    assert await find.look() == 1
    assert lost(world) == {(job.id, "s0", 1, "w1"), ("job-2", "b", 2, "w1")}
    worker = await world.storage.workers.load("w1")
    assert worker is not None
    assert worker.status == "inactive"
    assert await find.look() == 0


async def test_a_worker_is_not_called_inactive_before_its_steps_are_told(clock: ManualClock) -> None:
    world = await a_world(clock=clock)
    await world.storage.workers.beat(a_worker(RunningStep("job-2", "b", 2)))
    await clock.advance(timedelta(seconds=16))
    world.broker.go_down()
    with pytest.raises(BrokerUnavailable):
        await finder(world).look()
    world.broker.come_back()
    assert await finder(world).look() == 1
    assert len(lost(world)) == 1


async def test_a_step_that_two_schedulers_call_lost_is_run_again_once(clock: ManualClock) -> None:
    world = await a_world(clock=clock)
    job = await world.orchestrator.create(a_new_job())
    await world.orchestrator.apply({job.id: [StepStarted(clock.now(), "s0", 1, "w1")]})
    await world.storage.workers.beat(a_worker())
    await clock.advance(timedelta(seconds=16))
    subscription = await world.broker.subscribe(event_queue(partition_of(job.id, 8)), prefetch=10)
    await finder(world).look()
    (first,) = await subscription.take(1)
    await world.storage.workers.beat(a_worker())
    await clock.advance(timedelta(seconds=16))
    await finder(world).look()
    (second,) = await subscription.take(1)
    await HandleBatch(world.orchestrator, subscription).handle([first, second])
    step = (await world.jobs.load([job.id]))[job.id].job.steps["s0"]
    assert (step.attempt, step.lost_attempts, step.status.value) == (2, 1, "ready")
