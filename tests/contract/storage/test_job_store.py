"""What every job store does with jobs and what they owe."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.engine.commands import Command
from shared.engine.job import Job, Step
from shared.engine.states import JobStatus, StepStatus
from shared.storage.ports import Storage
from shared.storage.records import StoredJob
from tests.support.job_strategies import commands, cut, jobs
from tests.support.storages import EVER, LONG, NOON, a_command, a_job, a_save, put_job, read_job, running


async def test_a_job_comes_back_as_it_was_inserted(storage: Storage) -> None:
    job = a_job()
    owed = (a_command(job, "one"), a_command(job, "two"))
    assert await put_job(storage, job, *owed) == StoredJob(job, owed)


async def test_a_job_that_exists_is_left_as_it_is(storage: Storage) -> None:
    job, other = a_job(1), a_job(2)
    await put_job(storage, job)
    changed = replace(job, reason="another")
    assert await storage.jobs.insert([StoredJob(changed), StoredJob(other)]) == [False, True]
    assert (await read_job(storage, job.id)).job == job


async def test_of_two_inserts_of_one_job_at_once_one_is_new(storage: Storage) -> None:
    stored = StoredJob(a_job())
    answers = await asyncio.gather(*(storage.jobs.insert([stored]) for _ in range(5)))
    assert sorted(answers) == [[False]] * 4 + [[True]]


async def test_a_job_twice_in_one_insert_is_new_once(storage: Storage) -> None:
    assert await storage.jobs.insert([StoredJob(a_job()), StoredJob(a_job())]) == [True, False]


async def test_only_jobs_that_exist_are_loaded(storage: Storage) -> None:
    job = a_job()
    await put_job(storage, job)
    assert set(await storage.jobs.load([job.id, "no such job"])) == {job.id}


async def test_nothing_is_asked_for_nothing(storage: Storage) -> None:
    assert await storage.jobs.insert([]) == []
    assert await storage.jobs.load([]) == {}
    assert await storage.jobs.save([]) == []
    await storage.jobs.clear_outbox({})


async def test_a_save_keeps_the_job_and_what_it_owes(storage: Storage) -> None:
    before = (await put_job(storage, a_job())).job
    owed = a_command(before)
    save = a_save(before, owed, status=JobStatus.RUNNING, started_at=NOON, steps=running(before, "one", "w1"))
    assert await storage.jobs.save([save]) == [True]
    assert await read_job(storage, before.id) == StoredJob(save.job, (owed,))


async def test_a_save_can_set_a_field_back_to_nothing(storage: Storage) -> None:
    before = (await put_job(storage, a_job(), a_command(a_job()))).job
    marked = a_save(before, reason="paused", output={"a": 1})
    assert await storage.jobs.save([marked]) == [True]
    cleared = a_save(marked.job, reason=None, output=None)
    assert await storage.jobs.save([cleared]) == [True]
    assert await read_job(storage, before.id) == StoredJob(cleared.job)


async def test_a_step_can_go_and_come(storage: Storage) -> None:
    before = (await put_job(storage, a_job(1, "one", "two"))).job
    save = a_save(before, steps={"two": before.steps["two"], "three": Step(StepStatus.READY)})
    assert await storage.jobs.save([save]) == [True]
    assert (await read_job(storage, before.id)).job == save.job


async def test_a_save_on_an_old_version_changes_nothing(storage: Storage) -> None:
    before = (await put_job(storage, a_job())).job
    first, late = a_save(before, reason="first"), a_save(before, a_command(before), reason="late")
    assert await storage.jobs.save([first]) == [True]
    assert await storage.jobs.save([late]) == [False]
    assert await read_job(storage, before.id) == StoredJob(first.job)


async def test_a_repeated_save_answers_that_it_was_not_kept(storage: Storage) -> None:
    save = a_save((await put_job(storage, a_job())).job, reason="once")
    assert [await storage.jobs.save([save]) for _ in range(2)] == [[True], [False]]


async def test_a_save_of_an_unknown_job_is_not_kept(storage: Storage) -> None:
    assert await storage.jobs.save([a_save(a_job())]) == [False]
    assert await storage.jobs.load([a_job().id]) == {}


@pytest.mark.parametrize("together", [1, 3])
async def test_of_two_savers_exactly_one_is_kept(storage: Storage, together: int) -> None:
    jobs = [(await put_job(storage, a_job(number))).job for number in range(together)]
    rivals = [[a_save(job, reason=f"saver {rival}") for job in jobs] for rival in range(4)]
    answers = await asyncio.gather(*(storage.jobs.save(saves) for saves in rivals))
    for place, job in enumerate(jobs):
        kept = [rival for rival, answer in enumerate(answers) if answer[place]]
        assert len(kept) == 1
        assert (await read_job(storage, job.id)).job.reason == f"saver {kept[0]}"


async def test_each_save_of_a_batch_is_told_whether_it_was_kept(storage: Storage) -> None:
    jobs = [(await put_job(storage, a_job(number))).job for number in range(6)]
    await storage.jobs.save([a_save(job, reason="faster") for job in jobs[::2]])
    saves = [a_save(job, a_command(job), reason="slower") for job in jobs]
    assert await storage.jobs.save([*saves, a_save(a_job(99))]) == [False, True] * 3 + [False]
    reasons = [(await read_job(storage, job.id)).job.reason for job in jobs]
    assert reasons == ["faster", "slower"] * 3


async def test_of_a_job_twice_in_one_save_one_is_kept(storage: Storage) -> None:
    before = (await put_job(storage, a_job())).job
    answers = await storage.jobs.save([a_save(before, reason="a"), a_save(before, reason="b")])
    assert sorted(answers) == [False, True]
    assert (await read_job(storage, before.id)).job.reason == "ab"[answers.index(True)]


async def test_a_long_chain_of_saves_ends_in_the_last_job(storage: Storage) -> None:
    job = (await put_job(storage, a_job(1, *(f"step-{number}" for number in range(30))))).job
    for number in range(30):
        done = Step(StepStatus.COMPLETED, 1, worker_id=f"w{number % 3}", output={"n": number}, log_lines={"1": number})
        save = a_save(job, steps={**job.steps, f"step-{number}": done}, open_steps=job.open_steps - 1)
        assert await storage.jobs.save([save]) == [True]
        job = save.job
    assert (await read_job(storage, job.id)).job == job


async def test_commands_carried_out_are_forgotten_without_a_new_version(storage: Storage) -> None:
    job = a_job()
    first, second, third = (a_command(job, kind=kind) for kind in ("a", "b", "c"))
    await put_job(storage, job, first, second, third)
    for _ in range(2):
        await storage.jobs.clear_outbox({job.id: [first.id, third.id, "unknown"], "no such job": ["x"]})
        assert await read_job(storage, job.id) == StoredJob(job, (second,))


async def test_clearing_what_a_save_replaced_takes_nothing_from_it(storage: Storage) -> None:
    job = a_job()
    old, new = a_command(job, "one"), a_command(job, "two")
    save = a_save((await put_job(storage, job, old)).job, new)
    await storage.jobs.save([save])
    await storage.jobs.clear_outbox({job.id: [old.id]})
    assert await read_job(storage, job.id) == StoredJob(save.job, (new,))
    assert [owing.job.id for owing in await storage.jobs.find_owing(EVER, 10)] == [job.id]


async def test_jobs_that_owe_are_found_oldest_write_first(storage: Storage) -> None:
    jobs = [a_job(number) for number in range(3)]
    for job in jobs:
        await put_job(storage, job, a_command(job))
    await put_job(storage, a_job(9))
    await storage.jobs.clear_outbox({jobs[1].id: [a_command(jobs[1]).id]})
    owing = await storage.jobs.find_owing(EVER, 10)
    assert {stored.job.id for stored in owing} == {jobs[0].id, jobs[2].id}
    assert all(stored.outbox for stored in owing)
    assert len(await storage.jobs.find_owing(EVER, 1)) == 1
    assert await storage.jobs.find_owing(LONG, 10) == []


async def test_a_save_that_owes_nothing_more_ends_the_debt(storage: Storage) -> None:
    job = a_job()
    save = a_save((await put_job(storage, job, a_command(job))).job)
    await storage.jobs.save([save])
    assert await storage.jobs.find_owing(EVER, 10) == []


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(job=jobs, owed=st.lists(commands, max_size=3, unique_by=lambda command: command.id), after=jobs)
async def test_any_job_comes_back_and_can_become_any_other(
    storage: Storage, job: Job, owed: list[Command], after: Job
) -> None:
    job = replace(job, id=str(uuid4()))
    read = await put_job(storage, job, *owed)
    assert read == StoredJob(cut(job), tuple(owed))
    save = a_save(read.job, *owed, **{name: getattr(after, name) for name in ("status", "output", "reason", "input")})
    assert await storage.jobs.save([save]) == [True]
    assert await read_job(storage, job.id) == StoredJob(save.job, tuple(owed))
