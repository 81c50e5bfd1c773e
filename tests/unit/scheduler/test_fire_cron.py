"""Cron triggers: on time, once, also with two schedulers and after a restart."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.scheduler.fire_cron import GRACE, LONGEST_WAIT, FireCron
from shared.engine.job import Job
from shared.orchestration.catalog import Catalog
from shared.runtime.clock import ManualClock
from shared.storage.records import JobFilter
from tests.support.orchestration import put_workspace
from tests.unit.orchestration.world import World, a_world

BEGIN = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NIGHTLY = """
tasks:
  report:
    input: {day: {type: string}}
    flow: {a: {type: script, script: x}}
triggers:
  minutely: {type: scheduler, cron: "* * * * *", task: report, input: {day: today}}
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEGIN)


def scheduler(world: World) -> FireCron:
    """One process's cron."""
    catalog = Catalog(world.storage.workspaces, clock=world.clock)
    orchestrator = world.orchestrator_beside()
    return FireCron(world.storage.workspaces, world.storage.fires, catalog, orchestrator, world.clock)


async def fired(world: World) -> list[Job]:
    """The jobs that triggers made, oldest first."""
    rows, _ = await world.jobs.list_jobs(JobFilter(source_type="trigger"), limit=100, offset=0)
    jobs = await world.jobs.load([row.id for row in rows])
    return sorted((stored.job for stored in jobs.values()), key=lambda job: job.id)


async def test_a_new_trigger_fires_at_its_next_time_and_not_before(clock: ManualClock) -> None:
    world = await a_world(NIGHTLY, clock=clock)
    cron = scheduler(world)
    assert await cron.look() == LONGEST_WAIT
    assert await fired(world) == []
    await clock.advance(timedelta(seconds=29.5))
    assert await cron.look() == timedelta(seconds=0.5)
    await clock.advance(timedelta(seconds=0.5))
    await cron.look()
    (job,) = await fired(world)
    assert (job.source_type, job.source_id, job.input) == ("trigger", "demo/minutely", {"day": "today"})


async def test_two_schedulers_make_one_job_of_a_fire(clock: ManualClock) -> None:
    world = await a_world(NIGHTLY, clock=clock)
    both = scheduler(world), scheduler(world)
    for _ in range(4):
        await asyncio.gather(*(cron.look() for cron in both))
        await clock.advance(MINUTE)
    await asyncio.gather(*(cron.look() for cron in both))
    assert len(await fired(world)) == 4


async def test_a_fire_missed_during_a_restart_is_made_up_for_and_not_repeated(clock: ManualClock) -> None:
    world = await a_world(NIGHTLY, clock=clock)
    await scheduler(world).look()
    await clock.advance(timedelta(seconds=50))
    await scheduler(world).look()
    assert len(await fired(world)) == 1
    await scheduler(world).look()
    assert len(await fired(world)) == 1


async def test_fires_missed_for_longer_are_left_out(clock: ManualClock) -> None:
    world = await a_world(NIGHTLY, clock=clock)
    await scheduler(world).look()
    await clock.advance(timedelta(hours=5))
    await scheduler(world).look()
    (job,) = await fired(world)
    assert clock.now() - job.created_at < GRACE


async def test_a_process_that_stood_still_does_not_fire_what_it_slept_through(clock: ManualClock) -> None:
    world = await a_world(NIGHTLY, clock=clock)
    cron = scheduler(world)
    await cron.look()
    await clock.advance(timedelta(hours=5))
    await cron.look()
    assert len(await fired(world)) == 1


async def test_a_disabled_trigger_never_fires_and_one_enabled_again_starts_from_then(clock: ManualClock) -> None:
    world = await a_world(NIGHTLY.replace("input: {day: today}", "enabled: false"), clock=clock)
    cron = scheduler(world)
    await cron.look()
    await clock.advance(3 * MINUTE)
    await cron.look()
    assert await fired(world) == []
    await put_workspace(world.storage, NIGHTLY, revision="r2")
    await cron.look()
    assert await fired(world) == []
    await clock.advance(timedelta(seconds=30))
    await cron.look()
    assert len(await fired(world)) == 1


async def test_a_changed_cron_counts_from_the_change(clock: ManualClock) -> None:
    world = await a_world(NIGHTLY, clock=clock)
    cron = scheduler(world)
    await cron.look()
    await put_workspace(world.storage, NIGHTLY.replace("* * * * *", "0 13 * * *"), revision="r2")
    await clock.advance(timedelta(seconds=20))
    await cron.look()
    await clock.advance(2 * MINUTE)
    await cron.look()
    assert await fired(world) == []
    await clock.advance(timedelta(minutes=57, seconds=10))
    await cron.look()
    assert [job.revision for job in await fired(world)] == ["r2"]


async def test_a_trigger_whose_task_refuses_is_told_and_the_others_fire(clock: ManualClock) -> None:
    text = NIGHTLY.replace("day: {type: string}", "day: {type: string, required: true}")
    text += '  wrong: {type: scheduler, cron: "* * * * *", task: report}\n'
    world = await a_world(text, clock=clock)
    cron = scheduler(world)
    await cron.look()
    await clock.advance(MINUTE)
    await cron.look()
    assert [job.source_id for job in await fired(world)] == ["demo/minutely"]
    assert await world.storage.fires.load_fired_until() == {
        "demo/minutely": datetime(2026, 1, 1, 12, 1, tzinfo=UTC),
        "demo/wrong": datetime(2026, 1, 1, 12, 1, tzinfo=UTC),
    }


async def test_without_triggers_there_is_nothing_to_do(clock: ManualClock) -> None:
    world = await a_world(clock=clock)
    assert await scheduler(world).look() == LONGEST_WAIT
