"""What every job store does with values that are too large for a job's document."""

from dataclasses import replace
from typing import Any

import pytest
from bson import BSON

from shared.engine.commands import RunStep
from shared.engine.job import Job, Step
from shared.engine.states import JobStatus, StepStatus
from shared.errors import Rejected
from shared.storage.client import MongoStorage
from shared.storage.documents import Document
from shared.storage.memory import MemoryStorage
from shared.storage.ports import Storage
from shared.storage.records import JobFilter, StoredJob
from tests.support.storages import a_command, a_job, a_save, put_job, read_job

KIB, MIB = 1024, 1024 * 1024
FIVE = tuple(f"step-{number}" for number in range(5))


def text(letter: str, size: int) -> dict[str, Any]:
    """A value of about this size, in characters of two bytes."""
    return {"text": letter + "é" * (size // 2)}


def run(job: Job, value: Any) -> RunStep:
    """A command with a value of a user's."""
    return RunStep(f"{job.id}/one/1/run", "one", 1, "script", "work", "script", "local", {}, {"value": value}, None)


def with_outputs(job: Job, size: int) -> dict[str, Step]:
    """All steps ended, each with an output of its own."""
    return {
        name: Step(StepStatus.COMPLETED, 1, input=text("i", size), output=text(str(number), size), worker_id="w1")
        for number, name in enumerate(job.steps)
    }


async def find_document(storage: Storage, job_id: str) -> Document:
    """The job's document as it is kept."""
    if isinstance(storage, MemoryStorage):
        return storage.jobs._jobs[job_id]
    assert isinstance(storage, MongoStorage)
    document = await storage._database["jobs"].find_one({"_id": job_id})
    assert document is not None
    return document


async def measure(storage: Storage, job_id: str) -> int:
    """How many bytes the job's document has."""
    return len(BSON.encode(await find_document(storage, job_id)))


async def test_a_job_with_large_outputs_comes_back_and_its_document_stays_small(storage: Storage) -> None:
    before = (await put_job(storage, a_job(1, *FIVE))).job
    save = a_save(before, steps=with_outputs(before, MIB), output=text("all", MIB), status=JobStatus.COMPLETED)
    assert await storage.jobs.save([save]) == [True]
    assert await read_job(storage, before.id) == StoredJob(save.job)
    assert await measure(storage, before.id) < 64 * KIB


async def test_a_new_job_may_be_large_all_over(storage: Storage) -> None:
    job = a_job(2, *FIVE, input=text("in", MIB), raw_input=text("raw", MIB), output=[text("o", MIB)])
    looped = Step(StepStatus.PENDING, loop_source="step-0", loop_index=0, loop_item=text("item", MIB))
    job = replace(job, steps={**with_outputs(job, 100 * KIB), "step-0[0]": looped})
    owed = run(job, text("command", MIB))
    assert await put_job(storage, job, owed) == StoredJob(job, (owed,))
    assert await measure(storage, job.id) < 64 * KIB


async def test_a_large_value_may_become_small_and_large_again(storage: Storage) -> None:
    job = (await put_job(storage, a_job(3))).job
    for size in (MIB, 10, 17 * KIB, 15 * KIB, MIB):
        step = Step(StepStatus.COMPLETED, 1, output=text("x", size))
        save = a_save(job, steps={**job.steps, "one": step}, output=text("y", size))
        assert await storage.jobs.save([save]) == [True]
        job = save.job
        assert (await read_job(storage, job.id)).job == job
        assert await measure(storage, job.id) < 64 * KIB


async def test_a_large_value_may_be_taken_away(storage: Storage) -> None:
    job = (await put_job(storage, a_job(4, output=text("x", MIB)))).job
    save = a_save(job, output=None)
    await storage.jobs.save([save])
    assert (await read_job(storage, job.id)).job == save.job


async def test_a_value_that_looks_like_a_reference_is_a_value(storage: Storage) -> None:
    value = {"blob": "0" * 64, "bytes": 20_000}
    job = a_job(5, input=value, output=value)
    assert await put_job(storage, job, run(job, value)) == StoredJob(job, (run(job, value),))


async def test_a_large_command_is_owed_found_and_forgotten(storage: Storage) -> None:
    job = a_job(6)
    large, small = run(job, text("c", MIB)), a_command(job)
    assert await put_job(storage, job, large, small) == StoredJob(job, (large, small))
    save = a_save(job, small, large)
    await storage.jobs.save([save])
    assert await read_job(storage, job.id) == StoredJob(save.job, (small, large))
    assert await measure(storage, job.id) < 64 * KIB
    await storage.jobs.clear_outbox({job.id: [large.id]})
    assert await read_job(storage, job.id) == StoredJob(save.job, (small,))


async def test_a_hundred_jobs_may_share_one_large_input(storage: Storage) -> None:
    shared = text("shared", MIB)
    jobs = [a_job(number, input=shared) for number in range(100)]
    assert await storage.jobs.insert([StoredJob(job) for job in jobs]) == [True] * 100
    loaded = await storage.jobs.load([job.id for job in jobs])
    assert loaded == {job.id: StoredJob(job) for job in jobs}
    assert max([await measure(storage, job.id) for job in jobs]) < 64 * KIB


async def test_a_job_that_exists_keeps_its_large_input(storage: Storage) -> None:
    job = a_job(7, input=text("first", MIB))
    await put_job(storage, job)
    assert await storage.jobs.insert([StoredJob(replace(job, input=text("second", MIB)))]) == [False]
    assert (await read_job(storage, job.id)).job == job


async def test_the_largest_value_is_kept(storage: Storage) -> None:
    job = a_job(8, output="é" * (8 * MIB - 1))  # with the quotes 16 MiB; a character stands where the text is cut
    assert (await put_job(storage, job)).job == job


async def test_a_value_beyond_the_limit_is_refused_and_nothing_is_kept(storage: Storage) -> None:
    job, other = a_job(9, output="x" * (16 * MIB)), a_job(10)
    with pytest.raises(Rejected, match="the output has 16777218 bytes as JSON; at most 16777216 are kept"):
        await storage.jobs.insert([StoredJob(job), StoredJob(other)])
    assert await storage.jobs.load([job.id, other.id]) == {}


async def test_a_save_beyond_the_limit_is_refused_and_changes_nothing(storage: Storage) -> None:
    job = (await put_job(storage, a_job(11))).job
    with pytest.raises(Rejected, match="the body has"):
        await storage.jobs.save([a_save(job, run(job, "x" * (16 * MIB)))])
    assert await read_job(storage, job.id) == StoredJob(job)


async def test_lists_show_jobs_with_large_values(storage: Storage) -> None:
    before = (await put_job(storage, a_job(12, *FIVE, output=text("o", MIB)))).job
    await storage.jobs.save([a_save(before, steps=with_outputs(before, MIB))])
    rows, count = await storage.jobs.list_jobs(JobFilter(), limit=10, offset=0)
    assert ([row.id for row in rows], count) == ([before.id], 1)
    steps, count = await storage.jobs.list_steps_of("w1", limit=10)
    assert ({row.step for row in steps}, count) == (set(FIVE), 5)
