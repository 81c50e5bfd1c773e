"""Large values in MongoDB: read with few queries, by their key, and never by lists."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from shared.errors import Broken
from shared.storage.blobs import BlobShelf
from shared.storage.client import MongoStorage
from shared.storage.large_values import LARGEST_BYTES
from shared.storage.records import JobFilter, StoredJob
from tests.support.storages import EVER, a_command, a_job, a_save, mongo_storage, put_job, read_job

LARGE = "x" * 100_000


class Recorder(CommandListener):
    """Remembers the commands that were sent since it was last asked."""

    def __init__(self) -> None:
        self._commands: list[Mapping[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self._commands.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to remember."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to remember."""

    def take(self) -> list[tuple[str, str]]:
        """What was asked of which collection; greetings are left out."""
        taken, self._commands = self._commands, []
        kinds = [next(iter(command)) for command in taken]
        return [
            (kind, command[kind])
            for kind, command in zip(kinds, taken, strict=True)
            if kind in ("find", "insert", "update")
        ]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def storage(mongo_url: str, recorder: Recorder) -> AsyncIterator[MongoStorage]:
    async with mongo_storage(mongo_url, listeners=[recorder]) as storage:
        yield storage


def forget(storage: MongoStorage) -> None:
    """As a process that has just begun, which knows flows all the same."""
    storage.jobs._blobs = BlobShelf(storage._database)


async def test_jobs_without_large_values_cost_no_query_more(storage: MongoStorage, recorder: Recorder) -> None:
    job = (await put_job(storage, a_job())).job
    recorder.take()
    await storage.jobs.load([job.id])
    assert recorder.take() == [("find", "jobs")]
    await storage.jobs.save([a_save(job, a_command(job), output={"small": 1})])
    assert recorder.take() == [("update", "jobs")]


async def test_all_large_values_of_a_batch_come_with_one_query(storage: MongoStorage, recorder: Recorder) -> None:
    jobs = [a_job(number, input=f"{number}{LARGE}", output=LARGE) for number in range(5)]
    await storage.jobs.insert([StoredJob(job) for job in jobs])
    forget(storage)
    recorder.take()
    assert {one.job.id for one in (await storage.jobs.load([job.id for job in jobs])).values()} == {
        job.id for job in jobs
    }
    assert recorder.take() == [("find", "jobs"), ("find", "blobs")]
    await storage.jobs.load([job.id for job in jobs])
    assert recorder.take() == [("find", "jobs")]


async def test_a_large_value_is_written_before_its_job_and_once(storage: MongoStorage, recorder: Recorder) -> None:
    job = (await put_job(storage, a_job())).job
    recorder.take()
    save = a_save(job, output=LARGE)
    await storage.jobs.save([save])
    assert recorder.take() == [("insert", "blobs"), ("update", "jobs")]
    await storage.jobs.save([a_save(save.job, output=LARGE, reason="again")])
    assert recorder.take() == [("update", "jobs")]


async def test_a_value_that_another_process_wrote_already_is_no_obstacle(storage: MongoStorage) -> None:
    await put_job(storage, a_job(1, output=LARGE))
    forget(storage)
    job = a_job(2, output=LARGE)
    assert (await put_job(storage, job)).job == job
    assert await storage._database["blobs"].count_documents({}) == 1


async def test_a_value_that_was_written_in_part_is_completed(storage: MongoStorage) -> None:
    job = a_job(1, output="x" * (LARGEST_BYTES - 2))
    await put_job(storage, job)
    await storage._database["blobs"].delete_many({"index": {"$in": [1, 3]}})
    forget(storage)
    with pytest.raises(Broken, match="a large value of a stored job is missing"):
        await read_job(storage, job.id)
    await put_job(storage, a_job(2, output=job.output))
    forget(storage)
    assert (await read_job(storage, job.id)).job == job


async def test_lists_read_no_large_values(storage: MongoStorage, recorder: Recorder) -> None:
    job = (await put_job(storage, a_job(1, output=LARGE), a_command(a_job(1)))).job
    forget(storage)
    recorder.take()
    await storage.jobs.list_jobs(JobFilter(), limit=5, offset=0)
    await storage.jobs.list_steps_of("w1", limit=5)
    await storage.jobs.find_running_on("w1")
    assert ("find", "blobs") not in recorder.take()
    assert [stored.job for stored in await storage.jobs.find_owing(EVER, 5)] == [job]
    assert ("find", "blobs") in recorder.take()


async def test_large_values_are_found_by_their_key(storage: MongoStorage) -> None:
    await put_job(storage, a_job(1, output=LARGE))
    ids = [document["_id"] async for document in storage._database["blobs"].find({})]
    wanted = {"find": "blobs", "filter": {"_id": {"$in": ids}}}
    plan = await storage._database.command({"explain": wanted, "verbosity": "queryPlanner"})
    assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])


async def test_only_the_latest_texts_are_remembered(storage: MongoStorage, recorder: Recorder) -> None:
    storage.jobs._blobs = BlobShelf(storage._database, remembered_bytes=250_000)
    jobs = [a_job(number, output=f"{number}{LARGE}") for number in range(3)]
    await storage.jobs.insert([StoredJob(job) for job in jobs])
    recorder.take()
    await storage.jobs.load([jobs[1].id])
    await storage.jobs.load([jobs[2].id])
    assert ("find", "blobs") not in recorder.take()
    await storage.jobs.load([jobs[0].id])
    assert ("find", "blobs") in recorder.take()
    await storage.jobs.load([jobs[2].id])
    assert ("find", "blobs") not in recorder.take()
    await storage.jobs.load([jobs[1].id])
    assert ("find", "blobs") in recorder.take()
