"""Stories of tasks that remember: what a run leaves, the next one finds, on whichever worker."""

from typing import Any

from httpx import AsyncClient

from services.cli.client import ApiClient
from shared.storage.state_archive import StateFile, pack_files
from tests.support.stack import LocalStack

STATES = "/api/workspaces/stories"


async def run(api: ApiClient, task: str, **given: Any) -> dict[str, Any]:
    """The task's job at its end."""
    job_id = await api.execute("stories", task, given)
    job: dict[str, Any] = await api.wait_for_end(job_id, within_seconds=60)
    return job


async def state_of(api: ApiClient, task: str) -> dict[str, Any]:
    shown: dict[str, Any] = await api.get(f"{STATES}/tasks/{task}/state")
    return shown


async def test_a_counter_counts_from_run_to_run(api: ApiClient, other_api: ApiClient) -> None:
    jobs = [await run(api, "counter") for _ in range(3)]
    assert [job["output"]["count"]["count"] for job in jobs] == [1, 2, 3]
    shown = await state_of(other_api, "counter")
    assert shown["state"] == {"count": 3, "run-1": True, "run-2": True, "run-3": True}
    assert (shown["job_id"], shown["step"]) == (jobs[-1]["job_id"], "count")
    kept = await api.get(f"{STATES}/tasks/counter/state/snapshots")
    assert [one["job_id"] for one in kept] == [job["job_id"] for job in reversed(jobs)]


async def test_files_are_carried_over_until_they_are_removed(api: ApiClient) -> None:
    jobs = [await run(api, "diary", entry=entry) for entry in ("first", "second", "third")]
    found = [job["output"]["read"] for job in jobs]
    assert [one["diary"].split() for one in found] == [["first"], ["first", "second"], ["first", "second", "third"]]
    assert [one["entries"].split() for one in found] == [["first"], ["first", "second"], ["second", "third"]]


async def test_two_tasks_share_the_global_state(api: ApiClient) -> None:
    assert (await run(api, "teller"))["status"] == "completed"
    heard = (await run(api, "hearer"))["output"]["hear"]
    assert heard == {"word": "hear, hear", "letter": "for all\n", "own": []}
    shown = await api.get(f"{STATES}/state")
    assert (shown["state"], shown["files"]) == ({"word": "hear, hear"}, {"letters/one": 8})


async def test_a_step_that_crashes_keeps_what_it_said(api: ApiClient) -> None:
    assert (await run(api, "crasher"))["status"] == "failed"
    assert (await state_of(api, "crasher"))["state"] == {"reached": "the middle"}


async def test_a_step_that_times_out_keeps_nothing(api: ApiClient) -> None:
    assert (await run(api, "overrunner"))["status"] == "failed"
    assert (await state_of(api, "overrunner"))["snapshot_id"] is None


async def test_steps_side_by_side_lose_nothing_of_each_other(api: ApiClient) -> None:
    assert (await run(api, "gatherer"))["status"] == "completed"
    shown = await state_of(api, "gatherer")
    assert shown["state"] == {"one": 1, "two": 2, "three": 3}
    assert shown["files"] == {"one": 4, "two": 4, "three": 6}


async def test_a_state_from_outside_is_what_the_next_run_finds(api: ApiClient, stack: LocalStack) -> None:
    archive = pack_files({"diary.txt": StateFile(b"zeroth\n")})
    async with AsyncClient(base_url=stack.api_urls[1]) as http:
        answer = await http.post(f"{STATES}/tasks/fed-diary/state", content=archive)
        assert answer.status_code == 201, answer.text
        assert (await http.post(f"{STATES}/tasks/fed-counter/state", params={"count": "41"})).status_code == 201
    assert (await run(api, "fed-diary", entry="next"))["output"]["read"]["diary"].split() == ["zeroth", "next"]
    assert (await run(api, "fed-counter"))["output"]["count"]["count"] == 42
    job = await api.get(f"/api/jobs/{answer.json()['job_id']}")
    assert (job["status"], job["source_type"]) == ("completed", "upload")
