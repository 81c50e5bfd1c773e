"""Timers: told to the job's partition when they are due, and only then forgotten."""

from datetime import UTC, datetime, timedelta

import pytest

from services.scheduler.fire_timers import LONGEST_WAIT, FireTimers
from shared.broker.topology import event_queue, partition_of
from shared.engine.states import TimerKind
from shared.errors import BrokerUnavailable
from shared.messages.wire import TimerFiredMessage
from shared.runtime.clock import ManualClock
from shared.storage.records import Timer
from tests.unit.orchestration.world import World, a_world

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DUE = BEGIN + timedelta(seconds=10)
TIMER = Timer("job-1/a/1/step_timeout", "job-1", TimerKind.STEP_TIMEOUT, DUE, "a", 1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEGIN)


def firing(world: World) -> FireTimers:
    """One process's timers."""
    return FireTimers(world.storage.timers, world.broker, world.clock, partitions=8)


def told(world: World) -> list[object]:
    """What the job's partition was told."""
    return list(world.messages_in(event_queue(partition_of("job-1", 8)).name))


async def test_a_timer_fires_when_it_is_due_and_once(clock: ManualClock) -> None:
    world = await a_world(clock=clock)
    await world.storage.timers.put([TIMER])
    timers = firing(world)
    assert await timers.look() == LONGEST_WAIT
    await clock.advance(timedelta(seconds=9.9))
    assert await timers.look() == timedelta(seconds=0.1)
    assert told(world) == []
    await clock.advance(timedelta(seconds=0.1))
    assert await timers.look() == timedelta()
    (message,) = told(world)
    assert isinstance(message, TimerFiredMessage)
    assert (message.job_id, message.kind, message.step, message.attempt) == ("job-1", TimerKind.STEP_TIMEOUT, "a", 1)
    assert await timers.look() == LONGEST_WAIT
    assert len(told(world)) == 1


async def test_a_timer_is_kept_until_the_broker_has_its_event(clock: ManualClock) -> None:
    world = await a_world(clock=clock)
    await world.storage.timers.put([TIMER])
    await clock.advance(timedelta(seconds=11))
    world.broker.go_down()
    timers = firing(world)
    with pytest.raises(BrokerUnavailable):
        await timers.look()
    world.broker.come_back()
    await timers.look()
    assert len(told(world)) == 1


async def test_without_timers_it_waits(clock: ManualClock) -> None:
    assert await firing(await a_world(clock=clock)).look() == LONGEST_WAIT
