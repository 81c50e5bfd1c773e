"""Schedulers on the real broker and database: two at once do everything once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.scheduler.settings import SchedulerSettings
from services.scheduler.wiring import Scheduler, build
from shared.broker.rabbit import RabbitBroker
from shared.definition.cron import next_fires
from shared.engine.states import JobStatus, StepStatus
from shared.storage.client import MongoStorage
from shared.storage.records import JobFilter, RunningStep, WorkerRecord
from tests.integration.test_dispatcher import PARTITIONS, broker, storage
from tests.support.eventually import eventually
from tests.support.orchestration import (
    EchoWorker,
    a_new_job,
    an_orchestrator,
    chain,
    dispatching,
    job_ended,
    put_workspace,
    running,
)

__all__ = ["broker", "storage"]

CRON = """
tasks:
  tick: {flow: {a: {type: script, script: x}}}
triggers:
  every-second: {type: scheduler, cron: "* * * * * *", task: tick}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A server with one workspace folder, which is still empty."""
    (tmp_path / "files").mkdir()
    file = tmp_path / "headrace.yaml"
    file.write_text("workspaces: {demo: {type: folder, path: files}}\nrecovery: {sweep_interval_secs: 1}\n")
    return file


@asynccontextmanager
async def scheduling(storage: MongoStorage, broker: RabbitBroker, config: Path) -> AsyncIterator[Scheduler]:
    """A whole scheduler runs meanwhile."""
    scheduler = build(SchedulerSettings(partitions=PARTITIONS, config=config), storage=storage, broker=broker)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(scheduler.run())
        try:
            yield scheduler
        finally:
            scheduler.lifecycle.stopping.set()


async def test_a_trigger_in_a_folder_fires_each_second_once_under_two_schedulers(
    storage: MongoStorage, broker: RabbitBroker, config: Path
) -> None:
    (config.parent / "files" / "cron.yaml").write_text(CRON)
    async with scheduling(storage, broker, config), scheduling(storage, broker, config):

        async def has_fired() -> bool:
            _, count = await storage.jobs.list_jobs(JobFilter(source_type="trigger"), limit=1, offset=0)
            return count >= 4

        await eventually(has_fired, within=timedelta(seconds=20))
    rows, count = await storage.jobs.list_jobs(JobFilter(source_type="trigger"), limit=100, offset=0)
    seconds = [int(row.id.replace("-", "")[:12], 16) for row in rows]
    assert len(set(seconds)) == count
    late = [(row.created_at.timestamp() * 1000 - second) for row, second in zip(rows, seconds, strict=True)]
    assert max(late) < 5_000


async def test_two_schedulers_that_were_down_catch_up_on_each_fire_once(
    storage: MongoStorage, broker: RabbitBroker, config: Path
) -> None:
    trigger = "{type: scheduler, cron: '0 * * * *', task: tick, catch_up: %s}"
    text = CRON[: CRON.index("  every-second")] + f"  all: {trigger % 'all'}\n  one: {trigger % 'one'}\n"
    (config.parent / "files" / "cron.yaml").write_text(text)
    await put_workspace(storage, text)  # as it was when they went down
    since = datetime.now(UTC) - timedelta(hours=5, minutes=30)
    for name in ("all", "one"):
        await storage.fires.advance(f"demo/{name}", since)
    missed = [fire for fire in next_fires("0 * * * *", "UTC", since, 6) if fire <= datetime.now(UTC)]
    async with scheduling(storage, broker, config), scheduling(storage, broker, config):

        async def has_fired() -> bool:
            done = await storage.fires.load_fired_until()
            return all(done.get(f"demo/{name}") == missed[-1] for name in ("all", "one"))

        await eventually(has_fired, within=timedelta(seconds=20))
    rows, _ = await storage.jobs.list_jobs(JobFilter(source_type="trigger"), limit=100, offset=0)
    fired = Counter(row.source_id for row in rows)
    assert fired == {"demo/all": len(missed), "demo/one": 1}


async def test_the_steps_of_a_silent_worker_are_run_by_another(
    storage: MongoStorage, broker: RabbitBroker, config: Path
) -> None:
    (config.parent / "files" / "chain.yaml").write_text(chain(1))
    creator = an_orchestrator(storage, broker, partitions=PARTITIONS)
    async with (
        scheduling(storage, broker, config) as scheduler,
        dispatching(storage, broker, partitions=PARTITIONS),
        running(creator),
    ):
        scheduler.find_lost._silent_for = timedelta(seconds=1)
        await eventually(lambda: storage.workspaces.load_workspace("demo"), within=timedelta(seconds=20))
        job = await creator.create(a_new_job())
        dead = WorkerRecord(
            "dead",
            "dead",
            ("script",),
            (),
            is_exclusive=False,
            slots=1,
            version="1",
            running=(RunningStep(job.id, "s0", 1),),
        )
        await storage.workers.beat(dead)

        async def is_second_attempt() -> bool:
            step = (await storage.jobs.load([job.id]))[job.id].job.steps["s0"]
            return (step.attempt, step.status) == (2, StepStatus.READY)

        await eventually(is_second_attempt, within=timedelta(seconds=20))
        async with EchoWorker(broker, PARTITIONS).working():
            ended = await job_ended(storage, job.id)
    assert (ended.status, ended.steps["s0"].lost_attempts) == (JobStatus.COMPLETED, 1)


async def test_a_job_that_takes_too_long_is_ended_by_its_timer(
    storage: MongoStorage, broker: RabbitBroker, config: Path
) -> None:
    task = "tasks: {slow: {timeout: 1s, flow: {a: {type: script, script: x}}}}"
    (config.parent / "files" / "slow.yaml").write_text(task)
    creator = an_orchestrator(storage, broker, partitions=PARTITIONS)
    async with (
        scheduling(storage, broker, config),
        dispatching(storage, broker, partitions=PARTITIONS),
        running(creator),
    ):
        await eventually(lambda: storage.workspaces.load_workspace("demo"), within=timedelta(seconds=20))
        job = await creator.create(a_new_job("slow"))
        ended = await job_ended(storage, job.id)
    assert (ended.status, ended.reason) == (JobStatus.CANCELLED, "timed_out")
