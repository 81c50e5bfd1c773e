"""Stories of jobs that pick connections by name."""

import json

import pytest

from services.cli.client import ApiClient, ApiFailed
from tests.e2e.conftest import STORIES_TOKEN
from tests.e2e.test_main_job import by_name, stored, streamed

ENDS_WITHIN = 60.0
TASK = "/api/workspaces/stories/tasks/dumps-stores"


async def test_connections_reach_the_steps_and_their_secrets_nobody_else(api: ApiClient) -> None:
    job = await api.wait_for_end(await api.execute("stories", "dumps-stores", {}), within_seconds=ENDS_WITHIN)
    length = str(len(STORIES_TOKEN))
    production, staging = {"host": "db.example:5432", "length": length}, {"host": "test.example:1", "length": length}
    assert job["status"] == "completed"
    assert job["output"] == {"first": production, "second": staging, "below": {"dump": production}}
    assert job["input"]["store"] == {"host": "db.example", "port": 5432, "password": "••••••"}
    assert by_name(job)["second"]["input"]["store"]["password"] == "••••••"  # noqa: S105 - what hides one
    lines = await stored(api, job["job_id"], "first")
    assert lines[0]["line"] == "dumping db.example:5432 with ***"
    confused = "Input field 'store' references connection '••••••' which does not exist"
    assert by_name(job)["confused"]["error_message"] == confused
    told = json.dumps([job, await streamed(api, job["job_id"])], ensure_ascii=False)
    assert f"Step 'confused' failed: {confused}" in told
    assert STORIES_TOKEN not in told
    assert "⟦secret" not in told


async def test_a_connection_that_does_not_exist_is_refused_or_fails_its_step(api: ApiClient) -> None:
    values = {"store": {"host": "own.example", "port": 2, "password": "mine"}, "second": "nowhere"}
    job = await api.wait_for_end(await api.execute("stories", "dumps-stores", values), within_seconds=ENDS_WITHIN)
    assert job["output"]["first"]["host"] == "own.example:2"
    told = "Input field 'store' references connection 'nowhere' which does not exist"
    assert by_name(job)["second"]["error_message"] == told
    with pytest.raises(ApiFailed, match=r"400: .*store.*references connection 'nowhere' which does not exist"):
        await api.execute("stories", "dumps-stores", {"store": "nowhere"})


async def test_people_see_which_connections_they_may_choose(api: ApiClient) -> None:
    task = await api.get(TASK)
    assert task["connections"] == {"store": ["elsewhere", "production", "staging"]}
    (row,) = [row for row in await api.get("/api/workspaces") if row["name"] == "stories"]
    assert row["connections_count"] == 3
