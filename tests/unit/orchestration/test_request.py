"""What people ask of a job: decided about the newest state, and kept against whoever is faster."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from uuid_utils import uuid7

from shared.engine.events import JobPauseRequested, StepFinished, StepRetryRequested, StepSkipRequested, StepStarted
from shared.engine.job import Job
from shared.engine.states import JobStatus, Outcome, StepStatus
from shared.errors import Conflict, NotFound
from shared.orchestration.request import about_step
from shared.storage.records import JobFilter
from tests.support.orchestration import a_new_job, chain
from tests.unit.orchestration.world import World, a_world

TIMED = chain(1).replace("    flow:", "    timeout: 60\n    flow:")


async def a_running_job(world: World) -> str:
    job = await world.orchestrator.create(a_new_job())
    await world.orchestrator.apply({job.id: [StepStarted(datetime.now(UTC), "s0", 1, "w1")]})
    return job.id


async def load(world: World, job_id: str) -> Job:
    return (await world.storage.jobs.load([job_id]))[job_id].job


def finished(step: str, outcome: Outcome = Outcome.COMPLETED) -> StepFinished:
    return StepFinished(datetime.now(UTC), step, 1, "w1", outcome)


async def test_what_is_granted_is_stored() -> None:
    world = await a_world()
    job_id = await a_running_job(world)
    job = await world.orchestrator.request(job_id, lambda _, at: JobPauseRequested(at, "ada"))
    assert job == await load(world, job_id)
    assert (job.status, job.reason) == (JobStatus.PAUSED, "paused by ada")


async def test_what_is_so_already_is_answered_and_nothing_is_saved() -> None:
    world = await a_world()
    job_id = await a_running_job(world)
    await world.orchestrator.request(job_id, lambda _, at: JobPauseRequested(at))
    saves = len(world.jobs.saves)
    assert (await world.orchestrator.request(job_id, lambda _, at: JobPauseRequested(at))).status is JobStatus.PAUSED
    assert len(world.jobs.saves) == saves


async def test_what_is_refused_says_why() -> None:
    world = await a_world()
    job_id = await a_running_job(world)
    with pytest.raises(Conflict, match="Step 's0' is running"):
        await world.orchestrator.request(job_id, about_step("s0", lambda _, at: StepSkipRequested(at, "s0")))
    with pytest.raises(NotFound, match="'s9'"):
        await world.orchestrator.request(job_id, about_step("s9", lambda _, at: StepSkipRequested(at, "s9")))
    with pytest.raises(NotFound, match="Job"):
        await world.orchestrator.request(str(uuid7()), lambda _, at: JobPauseRequested(at))


async def test_a_wish_that_lost_its_race_is_decided_again() -> None:
    world = await a_world()
    job_id = await a_running_job(world)
    beside = world.orchestrator_beside()
    _, job = await asyncio.gather(
        beside.apply({job_id: [finished("s0")]}),
        world.orchestrator.request(job_id, lambda _, at: JobPauseRequested(at)),
    )
    stored = await load(world, job_id)
    assert job.status is stored.status is JobStatus.PAUSED
    assert stored.steps["s0"].status is StepStatus.COMPLETED
    assert stored.steps["s1"].status is StepStatus.PENDING


async def test_a_job_retried_twice_with_one_id_is_made_once() -> None:
    world = await a_world()
    job_id = await a_running_job(world)
    with pytest.raises(Conflict, match="only a job that has ended"):
        await world.orchestrator.retry(job_id, str(uuid7()))
    await world.orchestrator.apply({job_id: [finished("s0"), finished("s1", Outcome.FAILED)]})
    new_id = str(uuid7())
    first = await world.orchestrator.retry(job_id, new_id)
    assert (first.id, first.steps["s0"].status) == (new_id, StepStatus.COMPLETED)
    assert (await world.orchestrator.retry(job_id, new_id)).id == new_id
    _, total = await world.storage.jobs.list_jobs(JobFilter(), limit=10, offset=0)
    assert total == 2


async def test_tidying_leaves_the_timers_of_a_job_that_runs_again() -> None:
    world = await a_world(TIMED)
    job = await world.orchestrator.create(a_new_job())
    await world.orchestrator.drain()
    await world.orchestrator.apply({job.id: [finished("s0", Outcome.FAILED)]})
    await world.orchestrator.request(job.id, about_step("s0", lambda _, at: StepRetryRequested(at, "s0")))
    await world.orchestrator.drain()
    await world.orchestrator._tidy.tidy()
    timers = await world.storage.timers.find_of([job.id])
    assert any(timer.attempt == 1 for timer in timers)
    assert min(timer.due_at for timer in timers) > datetime.now(UTC) + timedelta(seconds=30)
