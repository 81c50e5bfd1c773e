"""Sub-jobs: made once, told to their parent, cancelled with it, whatever breaks in between."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.broker.topology import event_queue, partition_of
from shared.engine.commands import CancelChild, Command, NotifyParent, StartChild, StartRetryJob
from shared.engine.identity import command_id, derive_id
from shared.engine.job import Job
from shared.engine.states import JobStatus, StepStatus
from shared.messages.wire import ChildFinishedMessage
from shared.orchestration.carry_out import Owed
from shared.orchestration.start_child import DEEPEST
from shared.orchestration.sweep import resend_owed
from shared.runtime.clock import ManualClock
from shared.storage.records import JobSave
from tests.support.eventually import eventually
from tests.support.orchestration import a_new_job, running
from tests.unit.orchestration.world import World, a_world

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
FAMILY = """
actions:
  tell: {type: script, script: x}
on_error: [{action: tell}]
tasks:
  parent:
    flow: {call: {type: script, script: x}}
  child:
    input:
      many: {type: integer, required: true}
      loud: {type: boolean}
      name: {type: string, default: World}
    flow: {say: {type: script, script: x}}
    on_success: [{action: tell}]
"""


def start_child(parent: Job, task: str = "child", **values: object) -> StartChild:
    """What a step of type task owes."""
    job_id = derive_id(BEGIN, parent.id, "call", 1, "child")
    return StartChild(command_id(parent.id, "call", 1, "child"), job_id, "call", 1, task, values or {"many": "3"})


async def a_parent(world: World, *outbox: Command) -> Job:
    """A job whose step `call` is open, and what it owes beside."""
    job = await world.orchestrator.create(a_new_job("parent"))
    await owe(world, job, *outbox)
    return job


async def owe(world: World, job: Job, *outbox: Command) -> None:
    """Put commands into the job's outbox; nobody carries them out yet."""
    stored = (await world.jobs.load([job.id]))[job.id]
    calling = replace(stored.job.steps["call"], status=StepStatus.RUNNING)
    after = replace(stored.job, version=stored.job.version + 1, steps={"call": calling})
    assert await world.jobs.save([JobSave(stored.job, after, outbox)]) == [True]


async def job_in(world: World, job_id: str) -> Job | None:
    """The job as it is stored."""
    found = await world.jobs.load([job_id])
    return found[job_id].job if job_id in found else None


def news(world: World, parent: Job) -> list[ChildFinishedMessage]:
    """What the parent's partition was told of children."""
    queue = event_queue(partition_of(parent.id, 8)).name
    return [message for message in world.messages_in(queue) if isinstance(message, ChildFinishedMessage)]


async def test_a_child_knows_its_parent_and_has_the_task_s_own_hooks_only() -> None:
    world = await a_world(FAMILY)
    parent = await a_parent(world)
    command = start_child(parent, many="3", loud="True")
    for _ in range(2):
        assert await world.orchestrator.act(Owed(parent, command))
    child = await job_in(world, command.job_id)
    assert child is not None
    assert (child.source_type, child.source_id) == ("task", f"{parent.id}/call")
    assert (child.parent_job_id, child.parent_step, child.parent_attempt, child.depth) == (parent.id, "call", 1, 1)
    assert (child.task, child.revision, child.status) == ("child", parent.revision, JobStatus.PENDING)
    assert child.input == {"many": 3, "loud": True, "name": "World"}
    assert child.raw_input == {"many": "3", "loud": "True"}
    assert (len(child.flow.on_success), len(child.flow.on_error)) == (1, 0)
    assert news(world, parent) == []


@pytest.mark.parametrize(
    ("task", "values", "told"),
    [
        ("nothing", {}, "Task not found"),
        ("child", {"many": "few"}, "input.many"),
        ("child", {"loud": True}, "input.many is required"),
    ],
)
async def test_a_child_that_can_not_be_made_is_told_to_its_parent(
    task: str, values: dict[str, object], told: str
) -> None:
    world = await a_world(FAMILY)
    parent = await a_parent(world)
    command = replace(start_child(parent, task), input=values)
    assert await world.orchestrator.act(Owed(parent, command))
    (message,) = news(world, parent)
    assert (message.job_id, message.step, message.attempt) == (parent.id, "call", 1)
    assert (message.child_job_id, message.status) == (command.job_id, JobStatus.FAILED)
    assert told in (message.error or "")
    assert await job_in(world, command.job_id) is None


async def test_children_nest_ten_deep_and_no_deeper() -> None:
    world = await a_world(FAMILY)
    parent = replace(await a_parent(world), depth=DEEPEST)
    await world.orchestrator.act(Owed(parent, start_child(parent)))
    (message,) = news(world, parent)
    assert message.error == "sub-jobs may nest at most 10 deep"


async def test_a_crash_before_the_child_was_made_is_mended_by_the_sweep() -> None:
    clock = ManualClock(BEGIN)
    world = await a_world(FAMILY, clock=clock)
    parent = await a_parent(world)
    command = start_child(parent)
    await owe(world, parent, command)
    await clock.advance(timedelta(seconds=31))
    assert await resend_owed(world.jobs, world.orchestrator_beside()) == 1
    assert await job_in(world, command.job_id) is not None
    assert (await world.jobs.load([parent.id]))[parent.id].outbox == ()


async def test_a_crash_after_the_child_was_made_makes_no_second_one() -> None:
    clock = ManualClock(BEGIN)
    world = await a_world(FAMILY, clock=clock)
    parent = await a_parent(world)
    command = start_child(parent)
    await owe(world, parent, command)
    await world.orchestrator.act(Owed(parent, command))
    child = await job_in(world, command.job_id)
    await clock.advance(timedelta(seconds=31))
    await resend_owed(world.jobs, world.orchestrator_beside())
    assert await job_in(world, command.job_id) == child
    assert sum((await world.jobs.count_by_status()).values()) == 2


async def test_whoever_makes_a_child_of_a_parent_that_was_cancelled_meanwhile_cancels_it() -> None:
    """The parent's cancel looked for the child before it was there."""
    world = await a_world(FAMILY)
    parent = await a_parent(world)
    command = start_child(parent)
    await world.orchestrator.cancel(parent.id, "ada")
    assert not await world.orchestrator.act(Owed(parent, CancelChild("c", command.job_id)))
    await world.orchestrator.act(Owed(parent, command))
    child = await job_in(world, command.job_id)
    assert child is not None
    assert (child.status, child.reason) == (JobStatus.CANCELLED, f"cancelled by job {parent.id}")


async def test_a_child_is_cancelled_and_one_that_has_ended_stays_as_it_is() -> None:
    world = await a_world(FAMILY)
    parent = await a_parent(world)
    command = start_child(parent)
    await world.orchestrator.act(Owed(parent, command))
    for _ in range(2):
        assert await world.orchestrator.act(Owed(parent, CancelChild("c", command.job_id)))
    child = await job_in(world, command.job_id)
    assert child is not None
    assert child.status is JobStatus.CANCELLED


async def test_cancelling_a_child_that_is_not_there_yet_stands_until_the_sweep_has_tried_it() -> None:
    clock = ManualClock(BEGIN)
    world = await a_world(FAMILY, clock=clock)
    parent = await a_parent(world)
    cancel = CancelChild("c", start_child(parent).job_id)
    async with running(world.orchestrator):
        await owe(world, parent, cancel)
        world.orchestrator._relay.hand(parent, [cancel])
        await eventually(lambda: not world.orchestrator._relay._owed)
    assert (await world.jobs.load([parent.id]))[parent.id].outbox == (cancel,)
    await world.orchestrator.act(Owed(parent, start_child(parent)))  # by a process that was slow
    await clock.advance(timedelta(seconds=31))
    await resend_owed(world.jobs, world.orchestrator_beside())
    child = await job_in(world, cancel.job_id)
    assert child is not None
    assert child.status is JobStatus.CANCELLED
    assert (await world.jobs.load([parent.id]))[parent.id].outbox == ()


async def test_a_childs_end_is_told_to_its_parents_partition() -> None:
    clock = ManualClock(BEGIN)
    world = await a_world(FAMILY, clock=clock)
    parent = await a_parent(world)
    child = await world.orchestrator.create(a_new_job("parent"))
    told = NotifyParent("n-1", parent.id, "call", 2, child.id, JobStatus.COMPLETED, {"say": {"x": 1}}, None)
    await owe(world, child, told)
    await clock.advance(timedelta(seconds=31))
    await resend_owed(world.jobs, world.orchestrator_beside())
    (message,) = news(world, parent)
    assert (message.id, message.job_id, message.step, message.attempt) == ("n-1", parent.id, "call", 2)
    assert (message.child_job_id, message.status, message.output) == (child.id, JobStatus.COMPLETED, {"say": {"x": 1}})


async def test_a_retry_is_the_same_job_once_more_and_made_once() -> None:
    world = await a_world(FAMILY)
    job = await world.orchestrator.create(a_new_job("child", input={"many": 5}))
    starts_at = job.created_at + timedelta(seconds=30)
    command = StartRetryJob("r", derive_id(BEGIN, job.id, "retry"), job.id, 1, 2, starts_at)
    for _ in range(2):
        assert await world.orchestrator.act(Owed(job, command))
    again = await job_in(world, command.job_id)
    assert again is not None
    assert (again.source_type, again.source_id, again.retry_of_job_id) == ("retry", job.id, job.id)
    assert (again.retry_attempt, again.max_retries, again.starts_at) == (1, 2, starts_at)
    assert (again.task, again.revision, again.input, again.raw_input) == (job.task, "r1", job.input, {"many": 5})
    assert again.flow == job.flow
