"""Hooks: jobs that follow a job's end."""

from shared.broker.topology import LOG_STORE_QUEUE
from shared.engine.states import JobStatus, Outcome
from shared.messages.wire import LogChunkMessage
from tests.support.eventually import eventually
from tests.support.orchestration import a_new_job, running
from tests.unit.orchestration.test_apply import ran
from tests.unit.orchestration.world import World, a_world

HOOKED = """
actions:
  tell: {type: script, script: "echo {{ input.text }}", input: {text: {type: string}}}
  clean: {type: task, task: cleanup}
tasks:
  cleanup:
    input: {of: {type: string, required: true}}
    flow: {sweep: {type: script, script: x}}
    on_success: [{action: tell, input: {text: never}}]
  work:
    flow: {a: {type: script, script: x}}
    on_success: [{action: tell, input: {text: "done {{ hook.job_id }}"}}]
    on_error:
      - {action: clean, input: {of: "{{ hook.job_id }}"}}
      - {action: clean}
"""


async def _end(world: World, outcome: Outcome) -> str:
    job = await world.orchestrator.create(a_new_job("work", job_id=None))
    await eventually(world.steps_in_queue)
    await world.orchestrator.apply({job.id: ran("a", outcome=outcome)})
    return job.id


async def test_an_action_runs_as_a_job_of_its_own_with_the_rendered_input() -> None:
    world = await a_world(HOOKED)
    async with running(world.orchestrator):
        job_id = await _end(world, Outcome.COMPLETED)
        run = await eventually(lambda: next((run for run in world.steps_in_queue() if run.job_id != job_id), None))
    assert run is not None
    assert (run.task, run.step, run.spec["script"]) == ("_hook:tell", "hook", f"echo done {job_id}")
    hook = (await world.jobs.load([run.job_id]))[run.job_id].job
    assert (hook.source_type, hook.source_id, hook.revision) == ("hook", job_id, "r1")


async def test_a_task_runs_as_a_full_job_without_hooks_and_a_hook_that_can_not_start_is_told_in_the_log() -> None:
    world = await a_world(HOOKED)
    async with running(world.orchestrator):
        job_id = await _end(world, Outcome.FAILED)
        run = await eventually(lambda: next((run for run in world.steps_in_queue() if run.job_id != job_id), None))
        assert run is not None
        assert (run.task, run.step) == ("cleanup", "sweep")
        await world.orchestrator.apply({run.job_id: ran("sweep")})
        chunks = await eventually(
            lambda: [
                chunk
                for chunk in world.messages_in(LOG_STORE_QUEUE.name)
                if isinstance(chunk, LogChunkMessage) and "Failed to fire hook" in chunk.lines[0].text
            ]
        )
    assert len(chunks) == 1
    assert (chunks[0].job_id, chunks[0].step) == (job_id, "_server")
    assert "on_error[1] for action 'clean'" in chunks[0].lines[0].text
    assert "input.of is required" in chunks[0].lines[0].text
    hook = (await world.jobs.load([run.job_id]))[run.job_id].job
    assert (hook.status, hook.input) == (JobStatus.COMPLETED, {"of": job_id})
    assert sum((await world.jobs.count_by_status()).values()) == 2


async def test_text_of_a_job_is_not_rendered_a_second_time_in_its_hook() -> None:
    text = HOOKED.replace('"done {{ hook.job_id }}"', "\"{{ '{{ 1 + 1 }}' }}\"")
    world = await a_world(text)
    async with running(world.orchestrator):
        job_id = await _end(world, Outcome.COMPLETED)
        run = await eventually(lambda: next((run for run in world.steps_in_queue() if run.job_id != job_id), None))
    assert run is not None
    assert run.input == {"text": "{{ 1 + 1 }}"}
    assert run.spec["script"] == "echo {{ 1 + 1 }}"
