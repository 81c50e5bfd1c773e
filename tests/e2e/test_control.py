"""Stories about people who steer jobs: pause, skip, retry, approve, and ask why something waits."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.client import ApiClient, ApiFailed
from services.cli.main import app
from tests.e2e.test_main_job import by_name
from tests.support.eventually import eventually

ENDS_WITHIN = 60.0
SOON = timedelta(seconds=30)


class Story:
    """A job of a task with a trace of what ran and a gate that the story opens."""

    def __init__(self, api: ApiClient, folder: Path) -> None:
        self.api = api
        self.gate = folder / "gate"
        self._trace = folder / "trace"
        self.job_id = ""

    @property
    def ran(self) -> list[str]:
        """What each run of a step left, in order."""
        return self._trace.read_text().splitlines() if self._trace.exists() else []

    async def begin(self, task: str, *, has_gate: bool = True) -> "Story":
        """Start the task's job."""
        values = {"trace": str(self._trace)} | ({"gate": str(self.gate)} if has_gate else {})
        self.job_id = await self.api.execute("stories", task, values)
        return self

    async def ask(self, path: str, body: Any = None) -> Any:
        """A wish about the job."""
        return await self.api.post(f"/api/jobs/{self.job_id}/{path}", body)

    async def steps(self) -> dict[str, dict[str, Any]]:
        """The steps by name."""
        return by_name(await self.api.get(f"/api/jobs/{self.job_id}"))

    async def until(self, step: str, status: str) -> None:
        """Wait until the step has this status."""

        async def has_it() -> bool:
            return bool((await self.steps())[step]["status"] == status)

        await eventually(has_it, within=SOON)

    async def end(self) -> dict[str, Any]:
        """The job once it has ended."""
        return await self.api.wait_for_end(self.job_id, within_seconds=ENDS_WITHIN)

    async def why(self) -> dict[str, list[str]]:
        """`{step: what it waits for}`."""
        found = await self.api.get(f"/api/jobs/{self.job_id}/explain")
        return {step["step_name"]: [wait["sentence"] for wait in step["waits_for"]] for step in found["steps"]}


@pytest.fixture
def story(api: ApiClient, tmp_path: Path) -> Story:
    return Story(api, tmp_path)


async def test_a_paused_job_finishes_what_runs_and_starts_nothing_until_it_goes_on(story: Story) -> None:
    await story.begin("gated")
    await story.until("first", "running")
    assert await story.ask("pause") == {"status": "paused"}
    assert await story.ask("pause") == {"status": "paused"}
    story.gate.touch()
    await story.until("first", "completed")
    why = await story.why()
    assert why == {"second": ["The job is paused by anonymous"]}
    assert story.ran == ["first 1"]
    assert await story.ask("resume") == {"status": "running"}
    assert (await story.end())["status"] == "completed"
    assert story.ran == ["first 1", "second 1 "]
    with pytest.raises(ApiFailed, match="409: Job is already in a terminal state"):
        await story.ask("pause")


async def test_a_step_is_skipped_before_its_turn(story: Story) -> None:
    await story.begin("gated")
    await story.until("first", "running")
    assert await story.ask("steps/second/skip", {"reason": "not today"}) == {"status": "skipped", "attempt": 0}
    with pytest.raises(ApiFailed, match="409: Step 'first' is running; only a pending or suspended step"):
        await story.ask("steps/first/skip")
    with pytest.raises(ApiFailed, match="404: Step 'third' not found"):
        await story.ask("steps/third/skip")
    story.gate.touch()
    job = await story.end()
    assert (job["status"], by_name(job)["second"]["error_message"]) == ("completed", "not today")


async def test_what_somebody_brings_is_what_dependents_see(story: Story) -> None:
    await story.begin("asks", has_gate=False)
    await story.until("gate", "suspended")
    brought = {"result": {"input": {"why": "because"}}}
    assert (await story.ask("steps/gate/force-complete", brought))["status"] == "completed"
    job = await story.end()
    assert job["status"] == "completed"
    assert story.ran == ["after 1 because"]
    assert by_name(job)["gate"]["settled_by"] == "anonymous"


async def test_a_failed_step_runs_again_in_its_job_with_what_it_barred(story: Story) -> None:
    await story.begin("fragile")
    job = await story.end()
    assert (job["status"], by_name(job)["after"]["status"]) == ("failed", "skipped")
    story.gate.touch()
    assert (await story.ask("steps/breaks/retry"))["attempt"] == 2
    await story.until("after", "completed")
    assert (await story.end())["status"] == "completed"
    assert story.ran == [f"before 1 {story.gate}", "breaks 1", "breaks 2", f"after 1 {story.gate}"]


async def test_a_subtree_runs_again(story: Story) -> None:
    story.gate.touch()
    await story.begin("fragile")
    assert (await story.end())["status"] == "completed"
    assert await story.ask("steps/breaks/replay") == {"reset_steps": ["breaks", "after"]}

    async def has_run_again() -> bool:
        return bool((await story.steps())["after"]["attempt"] == 2)

    await eventually(has_run_again, within=SOON)
    assert (await story.end())["status"] == "completed"
    assert [line.split()[:2] for line in story.ran] == [
        ["before", "1"],
        ["breaks", "1"],
        ["after", "1"],
        ["breaks", "2"],
        ["after", "2"],
    ]


async def test_a_failed_job_is_retried_from_where_it_failed(story: Story) -> None:
    await story.begin("fragile")
    assert (await story.end())["status"] == "failed"
    failed = story.job_id
    story.gate.touch()
    (answer,) = (await story.api.post("/api/jobs/bulk-retry", {"job_ids": [failed]}))["results"]
    story.job_id = answer["new_job_id"]
    job = await story.end()
    assert (job["status"], job["retry_of_job_id"], job["source_type"]) == ("completed", failed, "retry")
    assert story.ran == [f"before 1 {story.gate}", "breaks 1", "breaks 1", f"after 1 {story.gate}"]


async def test_an_approval_is_given_with_its_form(story: Story) -> None:
    await story.begin("asks", has_gate=False)
    await story.until("gate", "suspended")
    assert (await story.why())["gate"] == ["Approval by anyone"]
    with pytest.raises(ApiFailed, match="400"):
        await story.ask("steps/gate/approve", {"approved": True, "input": {}})
    answer = await story.ask("steps/gate/approve", {"approved": True, "input": {"why": "it is time"}})
    assert answer == {"status": "approved"}
    assert (await story.end())["status"] == "completed"
    assert story.ran == ["after 1 it is time"]


async def test_a_rejection_fails_the_job(story: Story) -> None:
    await story.begin("asks", has_gate=False)
    await story.until("gate", "suspended")
    assert await story.ask("steps/gate/approve", {"approved": False, "rejection_reason": "no"}) == {
        "status": "rejected"
    }
    job = await story.end()
    assert (job["status"], by_name(job)["gate"]["error_message"]) == ("failed", "no")
    assert story.ran == []


async def test_a_job_that_no_worker_can_run_says_so_and_is_cancelled_with_others(story: Story) -> None:
    story.job_id = await story.api.execute("stories", "nowhere", {})
    assert await story.why() == {"lonely": ["No live worker for route 'script+quantum' and none was ever seen"]}
    found = await story.api.post("/api/jobs/bulk-cancel", {"job_ids": [story.job_id, "7"]})
    assert (found["cancelled"], found["failed"]) == (1, 1)
    assert (await story.end())["status"] == "cancelled"


async def test_a_job_is_run_again_with_its_input_edited(story: Story) -> None:
    story.gate.touch()
    await story.begin("gated")
    await story.end()
    first = story.job_id
    body = {"input": (await story.api.get(f"/api/jobs/{first}"))["raw_input"], "source_job_id": first}
    story.job_id = (await story.api.post("/api/workspaces/stories/tasks/gated/execute", body))["job_id"]
    job = await story.end()
    assert (job["status"], job["source_job_id"], job["source_type"]) == ("completed", first, "rerun")


async def test_the_command_line_steers_too(story: Story) -> None:
    await story.begin("asks", has_gate=False)
    await story.until("gate", "suspended")
    assert await command(story, "pause") == "status: paused\n"
    assert "gate (suspended): Approval by anyone" in await command(story, "explain")
    assert await command(story, "approve", "gate", "--input", '{"why": "so"}') == "status: approved\n"
    assert "after (pending): The job is paused by anonymous" in await command(story, "explain")
    assert await command(story, "skip", "after", "--reason", "enough") == "status: skipped\nattempt: 0\n"
    assert (await story.end())["status"] == "completed"
    assert await command(story, "retry", "--step", "after") == "status: ready\nattempt: 1\n"
    await story.until("after", "completed")
    assert (await story.end())["status"] == "completed"
    assert (await command(story, "retry")).startswith("job_id: ")
    with pytest.raises(AssertionError, match=r"409: Job is (not paused|already in a terminal state)"):
        await command(story, "resume")


async def command(story: Story, verb: str, *arguments: str) -> str:
    """What `headrace verb JOB arguments` prints."""
    words = [verb, story.job_id, *arguments, "--url", story.api.url]
    done = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert done.exit_code == 0, done.output
    return done.stdout
