"""What a saved job owes is carried out, whatever breaks in between."""

from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.broker.topology import LOG_STORE_QUEUE, announcement_queue, control_queue, step_queue
from shared.engine.commands import CancelStep, WriteServerLine
from shared.engine.events import StepStarted
from shared.engine.states import TimerKind
from shared.messages.wire import (
    CancelStepMessage,
    JobChangedMessage,
    LogChunkMessage,
    RouteAddedMessage,
    StepChangedMessage,
)
from shared.orchestration.sweep import resend_owed
from shared.orchestration.tidy import EVERY
from shared.runtime.clock import ManualClock
from shared.storage.records import JobSave
from tests.support.eventually import eventually
from tests.support.orchestration import a_new_job, chain, running
from tests.unit.orchestration.test_apply import ran
from tests.unit.orchestration.world import a_world

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TIMED = "tasks: {timed: {timeout: 1h, flow: {a: {type: script, script: x, timeout: 1m}}}}"


async def test_a_new_route_gets_a_queue_is_kept_and_announced() -> None:
    world = await a_world("tasks: {tagged: {flow: {a: {type: script, script: x, tags: [gpu]}}}}")
    control = await world.broker.subscribe(control_queue("all"), prefetch=10)
    async with running(world.orchestrator):
        await world.orchestrator.create(a_new_job("tagged"))
        (delivery,) = await control.take(10)
        await eventually(lambda: world.steps_in_queue("script+gpu"))
    assert isinstance(delivery.message, RouteAddedMessage)
    assert delivery.message.route == "script+gpu"
    assert await world.storage.routes.list_routes() == ["script+gpu"]


async def test_a_queue_that_vanished_is_made_anew() -> None:
    world = await a_world(chain(2))
    async with running(world.orchestrator):
        job = await world.orchestrator.create(a_new_job())
        await eventually(world.steps_in_queue)
        world.broker.server.delete(world.broker.server.declare(step_queue("script")))
        await world.orchestrator.apply({job.id: ran("s0")})
        (run,) = await eventually(world.steps_in_queue)
    assert run.step == "s1"


async def test_viewers_are_told_of_jobs_and_steps_that_change() -> None:
    world = await a_world(chain(1))
    news = await world.broker.subscribe(announcement_queue("#"), prefetch=10)
    async with running(world.orchestrator):
        job = await world.orchestrator.create(a_new_job())
        await world.orchestrator.apply({job.id: ran("s0")})
        told = [delivery.message for _ in range(3) for delivery in await news.take(1)]
    assert [(type(each), each.status.value) for each in told if isinstance(each, JobChangedMessage)] == [
        (JobChangedMessage, "pending"),
        (JobChangedMessage, "completed"),
    ]
    assert [each.status.value for each in told if isinstance(each, StepChangedMessage)] == ["completed"]


async def test_the_server_log_line_of_a_job_goes_to_the_log() -> None:
    world = await a_world(chain(1))
    async with running(world.orchestrator):
        job = await world.orchestrator.create(a_new_job())
        await world.orchestrator.apply({job.id: ran("s0")})
        (chunk,) = await eventually(lambda: world.messages_in(LOG_STORE_QUEUE.name))
    assert isinstance(chunk, LogChunkMessage)
    assert (chunk.job_id, chunk.step, chunk.attempt, chunk.first) == (job.id, "_server", 0, 0)
    assert (chunk.lines[0].stream, chunk.lines[0].text) == ("stderr", "[orchestration] Job completed")


async def test_time_outs_become_timers_and_go_when_the_job_ends() -> None:
    world = await a_world(TIMED)
    async with running(world.orchestrator):
        job = await world.orchestrator.create(a_new_job("timed"))
        await world.orchestrator.apply({job.id: ran("a")[:1]})

        async def kinds() -> set[TimerKind]:
            due = await world.storage.timers.find_due(job.created_at + timedelta(days=1), 10)
            return {timer.kind for timer in due}

        await eventually(lambda: _equals(kinds(), {TimerKind.JOB_TIMEOUT, TimerKind.STEP_TIMEOUT}))
        await world.orchestrator.apply({job.id: ran("a")[1:]})
        await eventually(lambda: _equals(kinds(), set()))


async def _equals(asked: Awaitable[set[TimerKind]], wanted: set[TimerKind]) -> bool:
    return await asked == wanted


async def test_cancelling_a_running_step_tells_its_worker_and_stands_until_it_answers() -> None:
    world = await a_world(chain(1))
    own = await world.broker.subscribe(control_queue("worker.w1"), prefetch=10)
    async with running(world.orchestrator):
        job = await world.orchestrator.create(a_new_job())
        await world.orchestrator.apply({job.id: [StepStarted(datetime.now(UTC), "s0", 1, "w1")]})
        await world.orchestrator.cancel(job.id, "ada")
        (delivery,) = await own.take(1)
        assert isinstance(delivery.message, CancelStepMessage)
        await world.orchestrator.apply({job.id: ran("s0")[1:]})
    stored = (await world.jobs.load([job.id]))[job.id]
    assert [command for command in stored.outbox if isinstance(command, CancelStep)] == []


async def test_what_could_not_be_sent_is_sent_as_a_repeat() -> None:
    world = await a_world(chain(1))
    await world.broker.declare(step_queue("script"))
    async with running(world.orchestrator) as lifecycle:
        world.broker.go_down()
        await world.orchestrator.create(a_new_job())
        await eventually(lambda: lifecycle.troubles)
        world.broker.come_back()
        await eventually(world.steps_in_queue)
        steps = await world.broker.subscribe(step_queue("script"), prefetch=1)
        (delivery,) = await steps.take(1)
    assert delivery.is_repeat


async def test_a_crash_between_save_and_publish_is_mended_by_the_sweep() -> None:
    """The first process saves the job and dies: its relay never runs."""
    clock = ManualClock(BEGIN)
    world = await a_world(chain(1), clock=clock)
    job = await world.orchestrator.create(a_new_job())
    survivor = world.orchestrator_beside()
    assert await resend_owed(world.jobs, survivor) == 0
    await clock.advance(timedelta(seconds=31))
    assert await resend_owed(world.jobs, survivor) == 1
    (run,) = world.steps_in_queue()
    assert (run.job_id, run.step) == (job.id, "s0")
    assert (await world.jobs.load([job.id]))[job.id].outbox == ()
    await clock.advance(timedelta(minutes=5))
    assert await resend_owed(world.jobs, survivor) == 0


async def test_the_sweep_leaves_out_what_has_been_overtaken() -> None:
    clock = ManualClock(BEGIN)
    world = await a_world(chain(1), clock=clock)
    job = await world.orchestrator.create(a_new_job())
    stored = (await world.jobs.load([job.id]))[job.id]
    line = WriteServerLine("job/line", 7, BEGIN, "hello")
    await world.orchestrator.apply({job.id: ran("s0")})
    now = (await world.jobs.load([job.id]))[job.id]
    both = JobSave(now.job, replace(now.job, version=now.job.version + 1), (*stored.outbox, line))
    await world.jobs.save([both])
    await clock.advance(timedelta(seconds=31))
    assert await resend_owed(world.jobs, world.orchestrator_beside()) == 1
    assert world.steps_in_queue() == []
    assert (await world.jobs.load([job.id]))[job.id].outbox == ()


async def test_a_dispatcher_that_died_after_its_save_is_made_up_for_when_the_event_comes_again() -> None:
    """The event was not acknowledged, so its successor gets it again, and finds commands that nobody sent."""
    world = await a_world(chain(2))
    job = await world.orchestrator.create(a_new_job())
    await world.orchestrator.apply({job.id: ran("s0")})
    successor = world.orchestrator_beside()
    async with running(successor):
        await successor.apply({job.id: ran("s0")})
        (run,) = await eventually(world.steps_in_queue)
    assert run.step == "s1"


async def test_a_step_that_was_owed_for_long_is_sent_again_when_the_job_is_read() -> None:
    """A busy job is saved too often for the sweep to see that one of its commands stands."""
    clock = ManualClock(datetime.now(UTC))
    world = await a_world(
        "tasks: {two: {flow: {a: {type: script, script: x}, b: {type: script, script: x}}}}", clock=clock
    )
    job = await world.orchestrator.create(a_new_job("two"))
    await clock.advance(timedelta(seconds=11))
    successor = world.orchestrator_beside()
    async with running(successor):
        await successor.apply({job.id: ran("a")})
        (run,) = await eventually(world.steps_in_queue)
    assert run.step == "b"


async def test_an_outbox_that_no_save_clears_is_cleared_after_a_while() -> None:
    clock = ManualClock(datetime.now(UTC))
    world = await a_world(chain(2), clock=clock)
    async with running(world.orchestrator):
        job = await world.orchestrator.create(a_new_job())
        await eventually(world.steps_in_queue)
        await clock.advance(timedelta(seconds=6))

        async def is_clear() -> bool:
            return (await world.jobs.load([job.id]))[job.id].outbox == ()

        await eventually(is_clear, within=EVERY * 20)


async def test_nothing_in_hand_is_lost_when_the_process_stops() -> None:
    world = await a_world(chain(1))
    jobs = []
    async with running(world.orchestrator) as lifecycle:
        jobs = [await world.orchestrator.create(a_new_job()) for _ in range(5)]
        lifecycle.stopping.set()
    assert {run.job_id for run in world.steps_in_queue()} == {job.id for job in jobs}
