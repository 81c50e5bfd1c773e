"""Every example of the language runs on the real stack as its rehearsal says."""

from typing import Any

import pytest

from services.cli.client import ApiClient
from tests.support.eventually import eventually

ENDS_WITHIN_SECONDS = 60.0


async def run(api: ApiClient, task: str, **given: Any) -> dict[str, Any]:
    """The job of an example, when it has ended."""
    job_id = await api.execute("default", task, given)
    job: dict[str, Any] = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN_SECONDS)
    return job


EXAMPLES = [
    ("try-again", {}, {"flaky": {"worked": True}}),
    ("each-city", {}, {"count": {"said": "3 cities"}}),
    ("greet-by-task", {}, {"repeat": {"said": "hello Ada, again"}}),
    ("nap", {}, {"wake-up": {"said": "awake"}}),
    ("add-up", {}, {"tell": {"said": "together 6.5"}}),
    ("rain-or-shine", {"weather": "sun"}, {"go": {"said": "off we go"}}),
]


@pytest.mark.parametrize(("task", "given", "output"), EXAMPLES)
async def test_an_example_gives_what_it_promises(
    api: ApiClient, task: str, given: dict[str, Any], output: dict[str, Any]
) -> None:
    job = await run(api, task, **given)
    assert (job["status"], job["output"]) == ("completed", output)


async def wait_for_suspension(api: ApiClient, job_id: str, step: str) -> None:
    """Come back when the step waits."""

    async def is_suspended() -> bool:
        steps = {one["step_name"]: one for one in (await api.get(f"/api/jobs/{job_id}"))["steps"]}
        return bool(steps[step]["status"] == "suspended")

    await eventually(is_suspended)


async def test_an_approval_waits_for_its_answer_and_hands_the_form_on(api: ApiClient) -> None:
    job_id = await api.execute("default", "ask-first", {})
    await wait_for_suspension(api, job_id, "ask")
    await api.post(f"/api/jobs/{job_id}/steps/ask/approve", {"approved": True, "input": {"reason": "tested"}})
    job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN_SECONDS)
    assert job["output"] == {"release": {"said": "released because tested"}}


async def test_an_event_ends_the_wait_for_it(api: ApiClient) -> None:
    job_id = await api.execute("default", "wait-for-payment", {"order": "17"})
    await wait_for_suspension(api, job_id, "paid")
    await api.post("/api/workspaces/default/events/paid/17", {"payload": {"amount": 30}})
    job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN_SECONDS)
    assert job["output"] == {"ship": {"said": "shipping for 30"}}
