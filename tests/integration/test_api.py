"""The api on a real broker and a real database, over real sockets."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.integration.api_instance import WORKSPACE, YAML, ApiInstance, serving
from tests.unit.api.seed import finish_step, seed_workspace


@pytest.fixture
async def api(rabbitmq_url: str, mongo_url: str, database_name: str) -> AsyncIterator[ApiInstance]:
    async with serving(rabbitmq_url, mongo_url, database_name) as instance:
        await seed_workspace(instance.parts.storage, text=YAML)
        yield instance


async def test_a_job_is_executed_shown_and_ended(api: ApiInstance) -> None:
    answer = await api.http.post(f"{WORKSPACE}/one/execute", json={"input": {"name": "Ada", "many": 3}})
    assert answer.status_code == 200
    job_id = answer.json()["job_id"]
    await finish_step(api.parts.orchestrator, job_id, "speak", output={"a": [1, None, "ü"]})
    job = (await api.http.get(f"/api/jobs/{job_id}")).json()
    assert (job["status"], job["input"]) == ("completed", {"name": "Ada", "many": 3})
    assert job["steps"][0]["output"] == {"a": [1, None, "ü"]}
    assert job["created_at"] <= job["steps"][0]["completed_at"] <= job["completed_at"]
    refused = await api.http.post(f"/api/jobs/{job_id}/cancel")
    assert (refused.status_code, refused.json()["error"]) == (409, "Job is already in a terminal state")
    listed = (await api.http.get("/api/jobs?workspace=default&task_name=one&limit=1")).json()
    assert listed["items"][0]["job_id"] == job_id


async def test_the_same_key_and_body_answer_the_same_job_at_the_same_time(api: ApiInstance) -> None:
    async def start() -> str:
        headers = {"Idempotency-Key": "integration"}
        answer = await api.http.post(f"{WORKSPACE}/one/execute", json={"input": {}}, headers=headers)
        return str(answer.json()["job_id"])

    before = (await api.http.get("/api/jobs")).json()["total"]
    assert len(set(await asyncio.gather(*(start() for _ in range(10))))) == 1
    assert (await api.http.get("/api/jobs")).json()["total"] == before + 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        ("GET", "/api/workspaces/nowhere/tasks", None, 404, "nowhere"),
        ("POST", f"{WORKSPACE}/nothing/execute", b"{}", 404, "nothing"),
        ("GET", "/api/jobs/01890000-0000-7000-8000-000000000000", None, 404, "Job not found"),
        ("GET", "/api/jobs/7/logs", None, 400, "Invalid job ID"),
        ("POST", f"{WORKSPACE}/one/execute", b"{", 400, "JSON"),
        ("POST", f"{WORKSPACE}/one/execute", b'{"input": {"many": "x"}}', 400, "many"),
        ("POST", f"{WORKSPACE}/broken/execute", b"{}", 400, "nowhere"),
        ("GET", "/api/jobs?limit=1e9", None, 400, "limit"),
        ("GET", "/api/jobs?offset=-7", None, 400, "offset"),
        ("PUT", "/api/jobs", None, 405, "Method Not Allowed"),
        ("POST", f"{WORKSPACE}/one/execute", b" " * 2_000_000, 413, "larger"),
    ],
)
async def test_wrong_requests_are_refused_with_the_one_body(
    api: ApiInstance, method: str, path: str, body: bytes | None, status: int, told: str
) -> None:
    headers = {"Content-Type": "application/json"} if body else {}
    answer = await api.http.request(method, path, content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert told in answer.json()["error"]


async def test_accepting_a_job_is_fast(api: ApiInstance) -> None:
    seconds = []
    for _ in range(100):
        begun = time.perf_counter()
        assert (await api.http.post(f"{WORKSPACE}/one/execute", json={"input": {}})).status_code == 200
        seconds.append(time.perf_counter() - begun)
    assert statistics.median(seconds) < 0.05  # the goal on a quiet machine is 5 ms


async def test_a_stop_closes_streams_and_loses_no_job(rabbitmq_url: str, mongo_url: str, database_name: str) -> None:
    async with serving(rabbitmq_url, mongo_url, database_name) as first:
        await seed_workspace(first.parts.storage, text=YAML)
        job_id = await first.execute("one")
        async with connect(first.stream_url(job_id)) as socket:
            await first.has_viewers(job_id, 1)
            first.parts.lifecycle.stopping.set()
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
    async with serving(rabbitmq_url, mongo_url, database_name) as second:
        assert (await second.http.get(f"/api/jobs/{job_id}")).json()["steps"][0]["status"] == "ready"
