"""How a worker takes, drops, gives up and hands back steps, on the real broker and database."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from uuid_utils import uuid7

from services.worker.worker import Worker
from shared.broker.ports import Outgoing
from shared.broker.topology import CONTROL_EXCHANGE, step_queue
from shared.engine.create import new_job
from shared.engine.decide import decide
from shared.engine.events import JobCreated, StepStarted
from shared.engine.flow import Action, Flow, StepSpec
from shared.engine.states import Outcome
from shared.messages.wire import RouteAddedMessage, RunStepMessage
from shared.runtime.clock import SystemClock
from shared.storage.records import RunningStep, StoredJob, WorkerRecord
from tests.support.eventually import eventually
from tests.support.jobs import Verbatim
from tests.support.running_worker import WorkerBench, open_bench

NEVER = timedelta(seconds=0.6)


@pytest.fixture
async def bench(rabbitmq_url: str, mongo_url: str, database_name: str, tmp_path: Path) -> AsyncIterator[WorkerBench]:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "file").touch()
    async with open_bench(rabbitmq_url, mongo_url, database_name, tmp_path) as found:
        yield found


async def keep_job(bench: WorkerBench, step: RunStepMessage, *, held_by: str | None = None) -> None:
    """Keep a job that waits for the step, or has it running."""
    now = SystemClock().now()
    action = Action("test", "script", bench.route)
    job = new_job(
        id=step.job_id,
        workspace=bench.tag,
        task="test",
        revision="r1",
        flow=Flow({"step": StepSpec("step", action)}),
        input={},
        raw_input={},
        source_type="api",
        created_at=now,
    )
    job = decide(job, JobCreated(now), Verbatim()).job
    if held_by is not None:
        job = decide(job, StepStarted(now, "step", 1, held_by), Verbatim()).job
    await bench.storage.jobs.insert([StoredJob(job)])


async def is_dropped(bench: WorkerBench, worker: Worker, step: RunStepMessage) -> bool:
    """The step was taken and forgotten: what came behind it has run, and nothing was said about it."""
    last = await bench.run("true")
    assert last.outcome is Outcome.COMPLETED
    await eventually(lambda: worker.taker.slots.free == worker.taker.slots.total)
    return bench.events_about(step) == []


async def test_a_repeat_of_what_runs_or_has_run_here_is_not_run_again(bench: WorkerBench, tmp_path: Path) -> None:
    async with bench.worker(worker_heartbeat_seconds=0.2) as worker:
        step = bench.step(f"echo x >> {tmp_path}/runs; echo running; until test -e {tmp_path}/go; do sleep 0.02; done")
        await keep_job(bench, step)
        await bench.send(step)
        await bench.line_seen(step, "running")
        await bench.send(step, is_repeat=True)
        await bench.run("true")
        (tmp_path / "go").touch()
        await bench.end_of(step)
        await bench.send(step, is_repeat=True)
        await bench.run("true")
        await eventually(lambda: worker.taker.slots.free == worker.taker.slots.total)
    assert (tmp_path / "runs").read_text() == "x\n"
    assert bench.events_about(step) == ["started", "finished"]


async def test_a_repeat_that_the_engine_does_not_wait_for_is_dropped(bench: WorkerBench) -> None:
    async with bench.worker(worker_heartbeat_seconds=0.2) as worker:
        unknown = await bench.send(bench.step("echo never"), is_repeat=True)
        running = bench.step("echo never")
        await keep_job(bench, running, held_by="another")
        await bench.send(running, is_repeat=True)
        assert await is_dropped(bench, worker, unknown)
        assert await is_dropped(bench, worker, running)


async def test_a_repeat_that_another_living_worker_has_is_dropped(bench: WorkerBench) -> None:
    step = bench.step("echo never")
    await keep_job(bench, step)
    other = WorkerRecord(str(uuid7()), "other", ("script",), (), is_exclusive=False, slots=1, version="1")
    await bench.storage.workers.beat(replace(other, running=(RunningStep(step.job_id, "step", 1),)))
    async with bench.worker(worker_heartbeat_seconds=0.2) as worker:
        await bench.send(step, is_repeat=True)
        assert await is_dropped(bench, worker, step)


async def test_a_repeat_that_nobody_has_is_run(bench: WorkerBench) -> None:
    step = bench.step("echo again")
    await keep_job(bench, step)
    async with bench.worker(worker_heartbeat_seconds=0.2):
        await bench.send(step, is_repeat=True)
        assert (await bench.end_of(step)).outcome is Outcome.COMPLETED


async def test_an_old_command_of_a_job_that_is_gone_is_dropped(bench: WorkerBench) -> None:
    async with bench.worker() as worker:
        step = bench.step("echo never", occurred_at=SystemClock().now() - timedelta(minutes=1))
        await bench.send(step)
        assert await is_dropped(bench, worker, step)


async def test_no_more_steps_run_than_there_are_slots(bench: WorkerBench, tmp_path: Path) -> None:
    script = f"echo running; until test -e {tmp_path}/go; do sleep 0.02; done"
    async with bench.worker(worker_slots=2) as worker:
        steps = [await bench.send(bench.step(script)) for _ in range(5)]
        await eventually(lambda: len(worker.attempts.running) == 2)
        with pytest.raises(AssertionError):
            await eventually(lambda: len(worker.attempts.running) > 2, within=NEVER)
        (tmp_path / "go").touch()
        assert {(await bench.end_of(step)).outcome for step in steps} == {Outcome.COMPLETED}


async def test_a_long_step_is_acknowledged_early_and_keeps_its_slot(bench: WorkerBench, tmp_path: Path) -> None:
    script = f"echo running; until test -e {tmp_path}/go; do sleep 0.02; done"
    async with bench.worker(worker_slots=2, worker_hold_seconds=0.3) as first, bench.worker(worker_slots=1) as second:
        long = [await bench.send(bench.step(script)) for _ in range(3)]
        for step in long:
            await bench.line_seen(step, "running")
        waiting = await bench.send(bench.step("echo waited"))
        await eventually(lambda: first.taker.unacknowledged == 0)
        assert len(first.attempts.running) == 2
        with pytest.raises(AssertionError):
            await eventually(lambda: bench.events_about(waiting), within=NEVER)
        (tmp_path / "go").touch()
        for step in [*long, waiting]:
            assert (await bench.end_of(step)).outcome is Outcome.COMPLETED
            assert bench.events_about(step) == ["started", "finished"]
        assert len(second.attempts.running) == 0
        many = [await bench.send(bench.step("true")) for _ in range(12)]
        for step in many:
            assert (await bench.end_of(step)).outcome is Outcome.COMPLETED


async def test_a_new_route_is_taken_when_it_is_announced(bench: WorkerBench) -> None:
    async with bench.worker(worker_tags=(bench.tag, "zz")) as worker:
        route = f"{bench.route}+zz"
        await bench.broker.declare(step_queue(route))
        added = RouteAddedMessage(id="1", occurred_at=SystemClock().now(), route=route)
        await bench.broker.publish([Outgoing(CONTROL_EXCHANGE, "all", added, is_lossy=True)])
        await eventually(lambda: route in worker.taker.routes)
        end = await bench.run("echo tagged", route=route)
        assert end.outcome is Outcome.COMPLETED


async def test_a_stopping_worker_lets_its_steps_finish(bench: WorkerBench, tmp_path: Path) -> None:
    async with bench.worker(worker_drain_seconds=20) as worker:
        step = await bench.send(bench.step(f"echo running; until test -e {tmp_path}/go; do sleep 0.02; done"))
        await bench.line_seen(step, "running")
        worker.lifecycle.stopping.set()
        await eventually(lambda: is_shown(bench, worker, "draining"))
        unwanted = await bench.send(bench.step("echo never"))
        (tmp_path / "go").touch()
        assert (await bench.end_of(step)).outcome is Outcome.COMPLETED
        await eventually(lambda: is_shown(bench, worker, "inactive"))
    assert bench.events_about(unwanted) == []
    async with bench.worker():
        await keep_job(bench, unwanted)
        assert (await bench.end_of(unwanted)).outcome is Outcome.COMPLETED


async def test_a_worker_that_must_stop_reports_its_steps_as_lost(bench: WorkerBench) -> None:
    async with bench.worker(worker_drain_seconds=0.1) as worker:
        step = await bench.send(bench.step("echo running; sleep 600"))
        await bench.line_seen(step, "running")
        worker.lifecycle.stopping.set()
        lost = await bench.loss_of(step)
    assert (lost.worker_id, lost.reason) == (worker.id, "worker drained")
    assert bench.events_about(step) == ["started", "lost"]
    assert not list((bench.cache).glob("*"))


async def is_shown(bench: WorkerBench, worker: Worker, status: str) -> bool:
    record = await bench.storage.workers.load(worker.id)
    return record is not None and record.status == status
