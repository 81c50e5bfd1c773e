"""New jobs: validated, kept once, set going."""

import asyncio

import pytest

from shared.engine.states import StepStatus
from shared.errors import InvalidInput, NotFound
from tests.support.eventually import eventually
from tests.support.orchestration import a_new_job, chain, put_workspace, running
from tests.unit.orchestration.world import a_world

GREET = """
tasks:
  greet:
    input: {who: {type: string, required: true}, loud: {type: boolean, default: false}}
    flow:
      hello: {type: script, script: "echo {{ input.who }}"}
"""


async def test_a_created_job_is_stored_and_its_first_step_waits_for_a_worker() -> None:
    world = await a_world(chain(2))
    async with running(world.orchestrator):
        job = await world.orchestrator.create(a_new_job())
        (run,) = await eventually(world.steps_in_queue)
    assert (run.job_id, run.step, run.attempt, run.revision) == (job.id, "s0", 1, "r1")
    stored = (await world.jobs.load([job.id]))[job.id]
    assert stored.job == job
    assert job.steps["s0"].status is StepStatus.READY


async def test_defaults_are_filled_in_and_what_the_caller_sent_is_kept() -> None:
    world = await a_world(GREET)
    job = await world.orchestrator.create(a_new_job("greet", input={"who": "Ada", "extra": 1}))
    assert job.input == {"who": "Ada", "loud": False, "extra": 1}
    assert job.raw_input == {"who": "Ada", "extra": 1}
    assert job.warnings != ()


async def test_input_that_does_not_fit_is_refused_and_nothing_is_stored() -> None:
    world = await a_world(GREET)
    with pytest.raises(InvalidInput) as refused:
        await world.orchestrator.create(a_new_job("greet"))
    assert refused.value.problems == [{"loc": "input.who", "msg": "required"}]
    assert world.jobs.inserts == []


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"task": "nope"}, "Task not found"),
        ({"workspace": "nope"}, "Workspace 'nope' not found"),
        ({"revision": "r0"}, "Revision 'r0' of workspace 'demo' not found"),
    ],
)
async def test_what_does_not_exist_is_named(wish: dict[str, str], told: str) -> None:
    world = await a_world()
    with pytest.raises(NotFound, match=told):
        await world.orchestrator.create(a_new_job(**wish))


async def test_a_repeat_with_the_same_id_answers_the_stored_job_and_starts_nothing() -> None:
    world = await a_world()
    async with running(world.orchestrator):
        first, is_new = await world.orchestrator.create_once(a_new_job(job_id="job-1"))
        await eventually(world.steps_in_queue)
        second, is_new_again = await world.orchestrator.create_once(a_new_job(job_id="job-1"))
    assert (first, is_new, is_new_again) == (second, True, False)
    assert len(world.steps_in_queue()) == 1


async def test_a_repeat_is_answered_even_if_the_task_is_gone_by_now() -> None:
    world = await a_world()
    first = await world.orchestrator.create(a_new_job(job_id="job-1"))
    await put_workspace(world.storage, chain(1, name="other"), revision="r2")
    beside = world.orchestrator_beside()
    assert await beside.create(a_new_job(job_id="job-1")) == first
    with pytest.raises(NotFound, match="Task not found"):
        await beside.create(a_new_job(job_id="job-2"))


async def test_two_processes_that_create_the_same_job_make_one() -> None:
    world = await a_world()
    beside = world.orchestrator_beside()
    async with running(world.orchestrator), running(beside):
        answers = await asyncio.gather(
            *(each.create_once(a_new_job(job_id="job-1")) for each in (world.orchestrator, beside))
        )
        await eventually(world.steps_in_queue)
    assert sorted(is_new for _, is_new in answers) == [False, True]
    assert len(world.steps_in_queue()) == 1


async def test_jobs_created_at_the_same_time_share_an_insert() -> None:
    world = await a_world()
    await world.orchestrator.create(a_new_job())
    await asyncio.gather(*(world.orchestrator.create(a_new_job()) for _ in range(50)))
    assert [len(inserted) for inserted in world.jobs.inserts] == [1, 1, 49]


async def test_a_job_is_accepted_while_the_broker_is_down_and_runs_when_it_is_back() -> None:
    world = await a_world()
    world.broker.go_down()
    async with running(world.orchestrator) as lifecycle:
        job = await world.orchestrator.create(a_new_job())
        await eventually(lambda: lifecycle.troubles)
        world.broker.come_back()
        (run,) = await eventually(world.steps_in_queue)
    assert run.job_id == job.id
