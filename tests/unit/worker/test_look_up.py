"""Whether a doubtful command is run."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.worker.look_up import LookUp, Verdict
from shared.engine.events import JobCreated, StepFinished, StepStarted
from shared.engine.job import Job
from shared.engine.states import JobStatus, Outcome
from shared.runtime.clock import ManualClock
from shared.storage.memory import MemoryStorage
from shared.storage.records import RunningStep, StoredJob, WorkerRecord
from tests.support.commands import SENT_AT, a_step
from tests.support.jobs import after, at, job_of, step

READY = after(job_of(step("work"), step("then", "work")), JobCreated(at(0)))
RUNNING = after(READY, StepStarted(at(1), "work", 1, "w1"))
DONE = after(RUNNING, StepFinished(at(2), "work", 1, "w1", Outcome.COMPLETED))
CANCELLED = replace(READY, status=JobStatus.CANCELLED)
HEARTBEAT = timedelta(seconds=5)
WORKER = WorkerRecord("w1", "one", ("script",), (), is_exclusive=False, slots=1, version="1")


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock(SENT_AT)
        self.storage = MemoryStorage(self.clock)
        self.look_up = LookUp(self.storage.jobs, self.storage.workers, self.clock, HEARTBEAT)

    async def judge(self, job: Job | None, *, is_repeat: bool, attempt: int = 1) -> Verdict:
        if job is not None:
            await self.storage.jobs.insert([StoredJob(job)])
        judging = asyncio.create_task(self.look_up.judge(a_step(attempt=attempt), is_repeat=is_repeat))
        while not judging.done():
            await asyncio.sleep(0)
            await self.clock.advance(timedelta(seconds=1))
        return judging.result()


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("job", "attempt"), [(None, 1), (RUNNING, 1), (DONE, 1), (CANCELLED, 1), (READY, 2), (READY, 0)]
)
async def test_what_the_engine_does_not_wait_for_is_dropped(bench: Bench, job: Job | None, attempt: int) -> None:
    assert await bench.judge(job, is_repeat=True, attempt=attempt) is Verdict.DROP


async def test_a_repeat_that_nobody_has_is_run_after_a_second_look(bench: Bench) -> None:
    assert await bench.judge(READY, is_repeat=True) is Verdict.RUN
    assert bench.clock.now() - SENT_AT >= HEARTBEAT


async def test_a_repeat_that_a_living_worker_has_is_dropped(bench: Bench) -> None:
    await bench.storage.workers.beat(replace(WORKER, running=(RunningStep("job-1", "work", 1),)))
    assert await bench.judge(READY, is_repeat=True) is Verdict.DROP


async def test_a_repeat_that_a_silent_worker_had_is_run(bench: Bench) -> None:
    await bench.storage.workers.beat(replace(WORKER, running=(RunningStep("job-1", "work", 1),)))
    await bench.clock.advance(timedelta(seconds=16))
    assert await bench.judge(READY, is_repeat=True) is Verdict.RUN


async def test_a_worker_that_shows_the_step_in_its_next_heartbeat_keeps_it(bench: Bench) -> None:
    await bench.storage.jobs.insert([StoredJob(READY)])
    judging = asyncio.create_task(bench.look_up.judge(a_step(), is_repeat=True))
    await bench.clock.advance(timedelta(seconds=5))
    await bench.storage.workers.beat(replace(WORKER, running=(RunningStep("job-1", "work", 1),)))
    while not judging.done():
        await bench.clock.advance(timedelta(seconds=1))
    assert judging.result() is Verdict.DROP


async def test_an_old_command_is_looked_at_once(bench: Bench) -> None:
    fresh, old = a_step(), a_step(occurred_at=SENT_AT - timedelta(seconds=6))
    assert not bench.look_up.is_doubtful(fresh, is_repeat=False)
    assert bench.look_up.is_doubtful(fresh, is_repeat=True)
    assert bench.look_up.is_doubtful(old, is_repeat=False)
    assert await bench.judge(READY, is_repeat=False) is Verdict.RUN
    assert await bench.judge(CANCELLED, is_repeat=False) is Verdict.RUN, "the store keeps the first"
