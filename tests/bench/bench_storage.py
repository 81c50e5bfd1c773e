"""How long the job store takes: `python -m tests.bench.bench_storage mongodb://127.0.0.1:27017/`."""

import asyncio
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

from pymongo import MongoClient

from shared.engine.commands import RunStep
from shared.engine.flow import Action, Flow, StepSpec
from shared.engine.identity import derive_id
from shared.engine.job import Job, Step
from shared.engine.states import JobStatus, StepStatus
from shared.storage.client import MongoStorage, connect
from shared.storage.records import JobFilter, JobSave, StoredJob

ROUNDS = 20
SCRIPT = "set -e\n" + "echo step {{ input.name }} does its work\n" * 8


def make_job(index: int, steps: int) -> Job:
    """A job whose steps form a chain."""
    names = [f"step-{number}" for number in range(steps)]
    action = Action("work", "script", "script", spec={"script": SCRIPT}, input={"name": {"type": "string"}})
    specs = {
        name: StepSpec(name, action, depends_on=tuple(names[number - 1 : number]), input={"name": "{{ input.name }}"})
        for number, name in enumerate(names)
    }
    now = datetime.now(UTC)
    return Job(
        id=derive_id(now, secrets.token_hex(8), index),
        workspace="default",
        task="bench",
        revision="r1",
        flow=Flow(specs),
        input={"name": "world"},
        raw_input={"name": "world"},
        source_type="api",
        created_at=now,
        steps={name: Step() for name in names},
        open_steps=steps,
    )


def owe(job: Job, step: str) -> tuple[RunStep, ...]:
    """The command that starts the step."""
    name = f"{job.id}/{step}/1/run"
    return (RunStep(name, step, 1, "script", "work", "script", "local", {"script": SCRIPT}, {"name": "world"}, None),)


def advance(job: Job, turn: int, size: int = 0) -> JobSave:
    """One step further: a step ends with an output of this size, the next one is owed."""
    names = list(job.steps)
    done, following = names[turn % len(names)], names[(turn + 1) % len(names)]
    now = datetime.now(UTC)
    steps = dict(job.steps)
    output = {"rows": turn} | ({"text": f"{job.id} {turn} " + "x" * size} if size else {})
    steps[done] = Step(StepStatus.COMPLETED, 1, worker_id="w1", output=output, started_at=now, finished_at=now)
    steps[following] = Step(StepStatus.READY, 1, input={"name": "world"}, ready_at=now)
    after = replace(job, status=JobStatus.RUNNING, steps=steps, version=job.version + 1)
    return JobSave(job, after, owe(job, following))


async def measure(told: str, ask: Callable[[int], Awaitable[object]]) -> None:
    """Print the median of some calls."""
    seconds = []
    for turn in range(ROUNDS):
        begin = time.perf_counter()
        await ask(turn)
        seconds.append(time.perf_counter() - begin)
    print(f"{told:42} median {statistics.median(seconds) * 1000:8.2f} ms   worst {max(seconds) * 1000:8.2f} ms")


async def bench(storage: MongoStorage, steps: int, batch: int, size: int = 0) -> None:
    """Insert, load, save and clear batches of jobs of one size, with outputs of `size` more bytes."""
    rounds = [[make_job(index, steps) for index in range(batch)] for _ in range(ROUNDS)]
    jobs = rounds[0]
    ids = [job.id for job in jobs]
    kept = {job.id: job for job in jobs}

    async def insert(turn: int) -> None:
        assert all(await storage.jobs.insert([StoredJob(job, owe(job, "step-0")) for job in rounds[turn]]))

    async def save(turn: int) -> None:
        saves = [advance(job, turn, size) for job in kept.values()]
        assert all(await storage.jobs.save(saves))
        kept.update({one.job.id: one.job for one in saves})

    async def clear(turn: int) -> None:
        step = f"step-{turn % steps}"
        await storage.jobs.clear_outbox({job_id: [f"{job_id}/{step}/1/run"] for job_id in ids})

    each = f"of {steps} steps" + (f", {size // 1024} KiB each" if size else "")
    await measure(f"insert {batch} {each}", insert)
    await measure(f"load {batch} {each}", lambda _: storage.jobs.load(ids))
    await measure(f"save {batch} {each}", save)
    await measure(f"load {batch} {each}, saved", lambda _: storage.jobs.load(ids))
    await measure(f"clear {batch} {each}", clear)


async def main(url: str) -> None:
    """Measure in a database of its own, dropped at the end."""
    name = f"bench_{secrets.token_hex(4)}"
    storage = await connect(url, name)
    try:
        for steps in (10, 200):
            for batch in (1, 100):
                await bench(storage, steps, batch)
        for size in (2**16, 2**20):
            await bench(storage, 10, 1, size)
        await measure("list 50", lambda _: storage.jobs.list_jobs(JobFilter(), limit=50, offset=0))
    finally:
        await storage.close()
        with MongoClient[dict[str, object]](url) as client:
            client.drop_database(name)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "mongodb://127.0.0.1:27017/"))
