"""Events become saved jobs: folded, cached, decided again after a lost race."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.engine.events import Event, StepFinished, StepStarted
from shared.engine.states import JobStatus, Outcome, StepStatus
from shared.errors import Conflict, NotFound, StoreUnavailable
from shared.orchestration.recent_jobs import RecentJobs
from shared.storage.records import StoredJob
from tests.support.eventually import eventually
from tests.support.jobs import job_of, step
from tests.support.orchestration import a_new_job, chain, running
from tests.unit.orchestration.world import a_world


def ran(name: str, attempt: int = 1, outcome: Outcome = Outcome.COMPLETED) -> list[Event]:
    """A worker's two reports."""
    now = datetime.now(UTC)
    return [StepStarted(now, name, attempt, "w1"), StepFinished(now, name, attempt, "w1", outcome)]


async def test_started_and_finished_in_one_batch_are_one_read_and_one_write() -> None:
    world = await a_world(chain(2))
    job = await world.orchestrator.create(a_new_job())
    await world.orchestrator.apply({job.id: ran("s0")})
    assert [len(saves) for saves in world.jobs.saves] == [1]
    assert len(world.jobs.loads) == 1
    stored = (await world.jobs.load([job.id]))[job.id]
    assert stored.job.steps["s0"].status is StepStatus.COMPLETED
    assert stored.job.steps["s1"].status is StepStatus.READY


async def test_the_second_event_of_a_job_needs_no_read() -> None:
    world = await a_world(chain(2))
    job = await world.orchestrator.create(a_new_job())
    await world.orchestrator.apply({job.id: ran("s0")})
    await world.orchestrator.apply({job.id: ran("s1")})
    assert len(world.jobs.loads) == 1
    assert (await world.jobs.load([job.id]))[job.id].job.status is JobStatus.COMPLETED


async def test_the_events_of_many_jobs_are_one_read_and_one_write() -> None:
    world = await a_world(chain(1))
    jobs = [await world.orchestrator.create(a_new_job()) for _ in range(20)]
    await world.orchestrator.apply({job.id: ran("s0") for job in jobs})
    assert [len(saves) for saves in world.jobs.saves] == [20]
    assert [len(ids) for ids in world.jobs.loads] == [20]


async def test_batches_applied_at_the_same_time_share_writes() -> None:
    world = await a_world(chain(1))
    jobs = [await world.orchestrator.create(a_new_job()) for _ in range(8)]
    await asyncio.gather(*(world.orchestrator.apply({job.id: ran("s0")}) for job in jobs))
    assert len(world.jobs.saves) <= 3
    assert await world.jobs.count_by_status() == {"completed": 8}


async def test_whoever_loses_the_race_reads_and_decides_again() -> None:
    world = await a_world("tasks: {two: {flow: {a: {type: script, script: x}, b: {type: script, script: x}}}}")
    beside = world.orchestrator_beside()
    job = await world.orchestrator.create(a_new_job("two"))
    now = datetime.now(UTC)
    await world.orchestrator.apply({job.id: [StepStarted(now, "a", 1, "w1")]})
    await beside.apply({job.id: ran("b")})
    await world.orchestrator.apply({job.id: ran("a")[1:]})
    stored = (await world.jobs.load([job.id]))[job.id]
    assert stored.job.status is JobStatus.COMPLETED


async def test_an_event_that_memory_calls_old_is_checked_against_the_database() -> None:
    """Another process moved the job on while this one remembered an earlier state of it."""
    world = await a_world(chain(3))
    beside = world.orchestrator_beside()
    job = await world.orchestrator.create(a_new_job())
    await world.orchestrator.apply({job.id: ran("s0")[:1]})
    await beside.apply({job.id: ran("s0")[1:]})
    await beside.apply({job.id: ran("s1")})
    await world.orchestrator.apply({job.id: ran("s2")})
    assert (await world.jobs.load([job.id]))[job.id].job.status is JobStatus.COMPLETED


async def test_a_repeated_event_changes_nothing() -> None:
    world = await a_world(chain(2))
    job = await world.orchestrator.create(a_new_job())
    await world.orchestrator.apply({job.id: ran("s0")})
    before = (await world.jobs.load([job.id]))[job.id]
    await world.orchestrator.apply({job.id: ran("s0")})
    assert (await world.jobs.load([job.id]))[job.id] == before


async def test_events_of_unknown_jobs_are_passed_over() -> None:
    world = await a_world(chain(1))
    job = await world.orchestrator.create(a_new_job())
    await world.orchestrator.apply({"nobody": ran("s0"), job.id: ran("s0")})
    assert (await world.jobs.load([job.id]))[job.id].job.status is JobStatus.COMPLETED


async def test_a_save_whose_answer_was_lost_is_repeated_and_its_commands_go_out() -> None:
    world = await a_world(chain(2))
    job = await world.orchestrator.create(a_new_job())
    async with running(world.orchestrator):
        await eventually(world.steps_in_queue)
        world.jobs.lost_answers = 1
        with pytest.raises(StoreUnavailable):
            await world.orchestrator.apply({job.id: ran("s0")})
        await world.orchestrator.apply({job.id: ran("s0")})
        await eventually(lambda: [run.step for run in world.steps_in_queue()] == ["s0", "s1"])


async def test_confirmed_commands_leave_the_outbox_with_the_next_save() -> None:
    world = await a_world(chain(3))
    async with running(world.orchestrator):
        job = await world.orchestrator.create(a_new_job())
        await eventually(world.steps_in_queue)
        await world.orchestrator.apply({job.id: ran("s0")})
        await eventually(lambda: len(world.steps_in_queue()) == 2)
        await world.orchestrator.apply({job.id: ran("s1")})
    stored = (await world.jobs.load([job.id]))[job.id]
    assert [getattr(command, "step", None) for command in stored.outbox] == ["s2"]


async def test_cancel_ends_what_waits_and_answers_the_saved_job() -> None:
    world = await a_world(chain(2))
    job = await world.orchestrator.create(a_new_job())
    cancelled = await world.orchestrator.cancel(job.id, "ada")
    assert cancelled.status is JobStatus.CANCELLED
    assert (await world.jobs.load([job.id]))[job.id].job == cancelled
    with pytest.raises(Conflict, match="already in a terminal state"):
        await world.orchestrator.cancel(job.id, "ada")


async def test_cancelling_an_unknown_job_says_so() -> None:
    world = await a_world()
    with pytest.raises(NotFound, match="Job not found"):
        await world.orchestrator.cancel("nobody", "ada")


async def test_a_cancel_elsewhere_is_honoured_by_a_process_that_remembers_the_job_running() -> None:
    world = await a_world(chain(2))
    job = await world.orchestrator.create(a_new_job())
    await world.orchestrator.apply({job.id: ran("s0")[:1]})
    await world.orchestrator_beside().cancel(job.id, "ada")
    await world.orchestrator.apply({job.id: ran("s0")[1:]})
    stored = (await world.jobs.load([job.id]))[job.id]
    assert (stored.job.status, stored.job.open_steps) == (JobStatus.CANCELLED, 0)


def test_the_memory_of_recent_jobs_is_bounded_and_drops_what_was_not_asked_for_longest() -> None:
    recent = RecentJobs(limit=2)
    job = job_of(step("a"))
    for name in ("one", "two"):
        recent.keep(StoredJob(replace(job, id=name)))
    recent.find("one")
    recent.keep(StoredJob(replace(job, id="three")))
    assert [name for name in ("one", "two", "three") if recent.find(name)] == ["one", "three"]
    recent.keep(StoredJob(replace(job, id="one", status=JobStatus.COMPLETED, open_steps=0)))
    assert recent.find("one") is None
