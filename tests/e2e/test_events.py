"""Stories of steps that wait for events, and of loops whose items are tried again."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from services.cli.client import ApiClient
from tests.e2e.test_main_job import by_name
from tests.support.eventually import eventually

ENDS_WITHIN = 60.0
SOON = timedelta(seconds=30)


async def waits(api: ApiClient, order: str) -> str:
    """A job that waits for the payment of the order."""
    job_id = await api.execute("stories", "ships", {"order": order})

    async def is_waiting() -> bool:
        return bool(by_name(await api.get(f"/api/jobs/{job_id}"))["paid"]["status"] == "suspended")

    await eventually(is_waiting, within=SOON)
    return job_id


async def send(api: ApiClient, key: str, payload: Any) -> list[str]:
    """The jobs that waited for it."""
    answer = await api.post(f"/api/workspaces/stories/events/{key}", {"payload": payload})
    return [receiver["job_id"] for receiver in answer["received_by"]]


async def test_an_event_reaches_every_job_that_waits_for_it_and_no_other(api: ApiClient) -> None:
    first, second, other = await waits(api, "7"), await waits(api, "7"), await waits(api, "8")
    assert await send(api, "paid/7", {"amount": 12}) == [first, second]
    assert await send(api, "paid/7", {"amount": 13}) == [], "nobody waits any more"
    for job_id in (first, second):
        job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN)
        assert (job["status"], job["output"]) == ("completed", {"ship": {"shipped_for": 12}})
    assert by_name(await api.get(f"/api/jobs/{other}"))["paid"]["status"] == "suspended"
    assert await send(api, "paid/8", {"amount": 1}) == [other]
    assert (await api.wait_for_end(other, within_seconds=ENDS_WITHIN))["status"] == "completed"


async def test_an_event_that_does_not_come_in_time_fails_its_step(api: ApiClient) -> None:
    job_id = await api.execute("stories", "impatient", {})
    job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN)
    assert job["status"] == "failed"
    assert by_name(job)["news"]["error_message"] == "Event wait timed out"


async def test_a_loop_whose_items_fail_at_first_ends_well(api: ApiClient, tmp_path: Path) -> None:
    job_id = await api.execute("stories", "many", {"folder": str(tmp_path)})
    job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN)
    assert (job["status"], job["output"]) == ("completed", {"each": [{"n": 10}, {"n": 21}, {"n": 32}, {"n": 43}]})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tried-20", "tried-40"]
