"""Cron triggers: on time, once, also with two schedulers and after a restart."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.scheduler.fire_cron import LONGEST_WAIT, FireCron
from services.scheduler.plan_fires import GRACE, first_to_do
from shared.definition.models import SchedulerTrigger
from shared.engine.job import Job
from shared.engine.states import JobStatus
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

CATCHES_UP = """
tasks: {{report: {{flow: {{a: {{type: script, script: x}}}}}}}}
triggers:
  hourly: {{type: scheduler, cron: "0 * * * *", task: report, catch_up: {}}}
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEGIN)


def scheduler(world: World) -> FireCron:
    """One process's cron."""
    catalog = Catalog(world.storage.workspaces, clock=world.clock)
    orchestrator = world.orchestrator_beside()
    return FireCron(world.storage.workspaces, world.storage.fires, world.jobs, catalog, orchestrator, world.clock)


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


async def test_a_trigger_that_catches_up_on_one_fires_the_latest_of_those_missed(clock: ManualClock) -> None:
    world = await a_world(CATCHES_UP.format("one"), clock=clock)
    await scheduler(world).look()
    await clock.advance(timedelta(hours=5, minutes=10))
    await asyncio.gather(scheduler(world).look(), scheduler(world).look())
    assert [fire_time(job) for job in await fired(world)] == ["2026-01-01T17:00:00"]


async def test_a_trigger_that_catches_up_on_all_fires_each_of_those_missed_once(clock: ManualClock) -> None:
    world = await a_world(CATCHES_UP.format("all"), clock=clock)
    await scheduler(world).look()
    await clock.advance(timedelta(hours=5, minutes=10))
    both = scheduler(world), scheduler(world)
    await asyncio.gather(*(cron.look() for cron in both))
    assert [fire_time(job)[11:13] for job in await fired(world)] == ["13", "14", "15", "16", "17"]
    await clock.advance(timedelta(hours=1))
    await asyncio.gather(*(cron.look() for cron in both))
    assert len(await fired(world)) == 6


async def test_a_process_that_stood_still_catches_up_as_its_trigger_says(clock: ManualClock) -> None:
    world = await a_world(CATCHES_UP.format("one"), clock=clock)
    cron = scheduler(world)
    await cron.look()
    await clock.advance(timedelta(hours=5, minutes=10))
    await cron.look()
    assert [fire_time(job) for job in await fired(world)] == ["2026-01-01T17:00:00"]


def test_of_very_many_missed_fires_the_latest_thousand_are_made_up_for() -> None:
    trigger = SchedulerTrigger(type="scheduler", cron="* * * * * *", task="t", catch_up="all")
    first = first_to_do("demo/t", trigger, BEGIN, BEGIN + timedelta(hours=2))
    assert first == BEGIN + timedelta(hours=2) - timedelta(seconds=999)


async def test_while_an_earlier_job_is_open_a_skipping_trigger_notes_a_skipped_job(clock: ManualClock) -> None:
    world = await a_world(NIGHTLY.replace("task: report,", "task: report, concurrency: skip,"), clock=clock)
    both = scheduler(world), scheduler(world)
    for _ in range(3):
        await asyncio.gather(*(cron.look() for cron in both))
        await clock.advance(MINUTE)
    first, second = await fired(world)
    assert (first.status, second.status) == (JobStatus.PENDING, JobStatus.SKIPPED)
    assert second.reason == f"job {first.id} of this trigger is open"
    assert (second.finished_at, second.steps, second.open_steps) == (second.created_at, {}, 0)
    await world.orchestrator.cancel(first.id, "ada")
    await asyncio.gather(*(cron.look() for cron in both))
    assert [job.status.value for job in await fired(world)] == ["cancelled", "skipped", "pending"]


async def test_a_trigger_that_cancels_the_previous_job_leaves_one_open(clock: ManualClock) -> None:
    world = await a_world(NIGHTLY.replace("task: report,", "task: report, concurrency: cancel_previous,"), clock=clock)
    both = scheduler(world), scheduler(world)
    for _ in range(4):
        await asyncio.gather(*(cron.look() for cron in both))
        await clock.advance(MINUTE)
    jobs = await fired(world)
    assert [job.status.value for job in jobs] == ["cancelled", "cancelled", "pending"]
    assert jobs[0].reason == "cancelled by trigger demo/minutely"


async def test_a_paused_trigger_fires_nothing_and_what_it_missed_is_not_made_up_for(clock: ManualClock) -> None:
    world = await a_world(CATCHES_UP.format("all"), clock=clock)
    cron = scheduler(world)
    await cron.look()
    await world.storage.fires.pause("demo/hourly", clock.now())
    for _ in range(3):
        await clock.advance(timedelta(hours=1))
        await cron.look()
    await world.storage.fires.resume("demo/hourly")
    await asyncio.gather(cron.look(), scheduler(world).look())
    assert await fired(world) == []
    await clock.advance(timedelta(hours=1))
    await cron.look()
    assert [fire_time(job) for job in await fired(world)] == ["2026-01-01T16:00:00"]


def fire_time(job: Job) -> str:
    """When the job's fire was due, by its id."""
    return datetime.fromtimestamp(int(job.id.replace("-", "")[:12], 16) / 1000, UTC).isoformat()[:19]
