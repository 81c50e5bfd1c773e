"""Real stores for tests, and jobs to put into them."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import MongoClient

from shared.engine.commands import CancelStep, Command
from shared.engine.flow import Action, Flow, StepSpec
from shared.engine.identity import derive_id
from shared.engine.job import Job, Step
from shared.engine.states import StepStatus
from shared.storage.client import MongoStorage, connect
from shared.storage.ports import Storage
from shared.storage.records import JobSave, StoredJob

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG = timedelta(hours=1)
EVER = timedelta(hours=-1)
"""A silence that everybody has kept, by any clock: it ends in an hour."""


@asynccontextmanager
async def mongo_storage(url: str, **options: Any) -> AsyncIterator[MongoStorage]:
    """The stores of a database of its own, dropped at the end."""
    name = f"test_{secrets.token_hex(6)}"
    storage = await connect(url, name, **options)
    try:
        yield storage
    finally:
        await storage.close()
        await asyncio.to_thread(_drop, url, name)


def _drop(url: str, name: str) -> None:
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=5000, timeoutMS=30_000) as client:
        client.drop_database(name)


async def wipe(storage: MongoStorage) -> None:
    """Forget all documents but flows and large texts, which processes remember; indexes stay."""
    for name in set(await storage._database.list_collection_names()) - {"flows", "blobs"}:
        await storage._database[name].delete_many({})


def a_job(number: int = 1, *names: str, after: timedelta = timedelta(), **fields: Any) -> Job:
    """A job with steps of these names that nothing has happened to, made `after` noon."""
    action = Action("work", "script", "script", spec={"script": "echo {{ input.name }}"})
    steps = {name: StepSpec(name, action) for name in names or ("one", "two")}
    made_at = NOON + after
    defaults: dict[str, Any] = {
        "id": derive_id(made_at, "test", number),
        "workspace": "demo",
        "task": "work",
        "revision": "r1",
        "flow": Flow(steps),
        "input": {"name": "world"},
        "raw_input": {},
        "source_type": "api",
        "created_at": made_at,
        "steps": {name: Step() for name in steps},
        "open_steps": len(steps),
    }
    return Job(**defaults | fields)


def a_command(job: Job, step: str = "one", kind: str = "cancel") -> CancelStep:
    """Something to owe."""
    return CancelStep(f"{job.id}/{step}/1/{kind}", step, 1, None)


def a_save(before: Job, *outbox: Command, **fields: Any) -> JobSave:
    """The next version of a job."""
    return JobSave(before, replace(before, version=before.version + 1, **fields), outbox)


def running(job: Job, step: str, worker_id: str, *, attempt: int = 1, **fields: Any) -> dict[str, Step]:
    """The job's steps, one of them in a worker's hand."""
    in_hand = Step(StepStatus.RUNNING, attempt, worker_id=worker_id, **{"started_at": NOON} | fields)
    return {**job.steps, step: in_hand}


async def put_job(storage: Storage, job: Job, *outbox: Command) -> StoredJob:
    """Insert it and read it back."""
    assert await storage.jobs.insert([StoredJob(job, outbox)]) == [True]
    return await read_job(storage, job.id)


async def read_job(storage: Storage, job_id: str) -> StoredJob:
    """The job as it is stored."""
    return (await storage.jobs.load([job_id]))[job_id]
