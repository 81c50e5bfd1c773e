"""Every example of the language runs on the real stack as its rehearsal says."""

from typing import Any

import pytest

from services.cli.client import ApiClient

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
    ("rain-or-shine", {"weather": "sun"}, {"go": {"said": "off we go"}}),
]


@pytest.mark.parametrize(("task", "given", "output"), EXAMPLES)
async def test_an_example_gives_what_it_promises(
    api: ApiClient, task: str, given: dict[str, Any], output: dict[str, Any]
) -> None:
    job = await run(api, task, **given)
    assert (job["status"], job["output"]) == ("completed", output)
