"""Stories of triggers: webhooks on two apis, and schedules that skip and pause under two schedulers."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from services.cli.client import ApiClient
from tests.support.eventually import eventually

WITHIN = timedelta(seconds=60)
SECRET = {"Authorization": "Bearer open-sesame"}
TRIGGERS = "/api/workspaces/stories/triggers"


SCHEDULES = """
triggers:
  every-second-skipping: { type: scheduler, cron: "* * * * * *", task: dawdles, concurrency: skip }
  pausable: { type: scheduler, cron: "* * * * * *", task: ticks-again }
"""


@pytest.fixture
async def schedules(api: ApiClient, stories: Path) -> AsyncIterator[None]:
    """Schedules that fire each second, for as long as a story looks at them."""
    file = stories / ".workflows" / "schedules.yaml"
    file.write_text(SCHEDULES)
    await eventually(lambda: _are_known(api, expected=True), within=WITHIN)
    yield
    file.unlink()
    await eventually(lambda: _are_known(api, expected=False), within=WITHIN)


async def _are_known(api: ApiClient, *, expected: bool) -> bool:
    return ("pausable" in {trigger["name"] for trigger in await api.get(TRIGGERS)}) is expected


async def fired_by(api: ApiClient, trigger: str) -> list[dict[str, Any]]:
    """The jobs of a trigger, newest first."""
    listed = await api.get("/api/jobs", workspace="stories", source_type="trigger", limit=500)
    return [job for job in listed["items"] if job["source_id"] == f"stories/{trigger}"]


async def test_a_synchronous_webhook_answers_with_the_jobs_output_on_either_api(
    api: ApiClient, other_api: ApiClient
) -> None:
    for client in (api, other_api):
        answer = await client._http.post("/hooks/e2e-echo", json={"said": "hello"}, headers=SECRET, timeout=70)
        assert (answer.status_code, answer.json()["output"]) == (200, {"echo": {"said": "hello"}})
        assert (answer.json()["status"], answer.headers["Cache-Control"]) == ("completed", "no-store")


async def test_a_delivery_is_one_job_on_both_apis_and_either_tells_how_it_goes(
    api: ApiClient, other_api: ApiClient
) -> None:
    headers = SECRET | {"X-GitHub-Delivery": "e2e-delivery-1"}
    answers = [
        await client._http.post("/hooks/e2e-echo-later", json={"said": "once"}, headers=headers)
        for client in (api, other_api, api)
    ]
    (job_id,) = {answer.json()["job_id"] for answer in answers}
    path = f"/hooks/e2e-echo-later/jobs/{job_id}?wait=true&timeout=60"
    waited = await other_api._http.get(path, headers=SECRET, timeout=70)
    assert (waited.status_code, waited.json()["output"]) == (200, {"echo": {"said": "once"}})
    assert (await api._http.get(path)).status_code == 401
    assert (await api._http.get(path.replace("e2e-echo-later", "e2e-echo"), headers=SECRET)).status_code == 404
    job = await api.get(f"/api/jobs/{job_id}")
    assert (job["source_type"], job["source_id"], job["warnings"]) == ("webhook", "stories/echo-later", [])
    assert "authorization" not in job["input"]["headers"]


@pytest.mark.usefixtures("schedules")
async def test_a_skipping_trigger_runs_one_job_at_a_time(api: ApiClient) -> None:
    async def seen() -> list[dict[str, Any]] | None:
        jobs = await fired_by(api, "every-second-skipping")
        return jobs if len([job for job in jobs if job["status"] == "completed"]) >= 2 else None

    jobs = await eventually(seen, within=WITHIN)
    ran = sorted(
        (job["started_at"], job["completed_at"])
        for job in jobs
        if job["status"] == "completed" and job["started_at"] is not None
    )
    assert all(before[1] <= after[0] for before, after in pairwise(ran))
    skipped = [job for job in jobs if job["status"] == "skipped"]
    assert skipped
    assert all("of this trigger is open" in job["reason"] for job in skipped)


@pytest.mark.usefixtures("schedules")
async def test_a_paused_trigger_stays_quiet_for_both_schedulers_and_goes_on_when_resumed(
    api: ApiClient, other_api: ApiClient
) -> None:
    await eventually(lambda: fired_by(api, "pausable"), within=WITHIN)
    assert (await api.post(f"{TRIGGERS}/pausable/pause"))["paused"]

    async def both_have_heard() -> bool:
        """The other trigger has fired three times since this one fired last: each scheduler looks once a second."""
        quiet_since = (await fired_by(api, "pausable"))[0]["created_at"]
        others = [job for job in await fired_by(api, "every-three-seconds") if job["created_at"] > quiet_since]
        return len(others) >= 2

    await eventually(both_have_heard, within=WITHIN)
    count = len(await fired_by(api, "pausable"))
    assert (await other_api.post(f"{TRIGGERS}/pausable/resume"))["paused"] is False

    async def goes_on() -> bool:
        return len(await fired_by(api, "pausable")) > count

    await eventually(goes_on, within=WITHIN)
