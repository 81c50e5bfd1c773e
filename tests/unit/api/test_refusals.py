"""Every error has the one body, and says what is wrong."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from services.api.app import create_app
from services.api.parts import Parts
from services.api.settings import ApiSettings
from shared.errors import StoreUnavailable

UNKNOWN = "01890000-0000-7000-8000-000000000000"
TASKS = "/api/workspaces/default/tasks"
JSON = {"Content-Type": "application/json"}


def refused(answer: Response, status: int) -> str:
    """The error's text, once the body is seen to be the one body."""
    body = answer.json()
    assert (answer.status_code, body["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["error"] == body["detail"]
    assert {"type", "title", "instance"} <= body.keys()
    assert "Traceback" not in answer.text
    return str(body["error"])


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/api/workspaces/nowhere/tasks", "Workspace 'nowhere' not found"),
        ("GET", "/api/workspaces/nowhere/triggers", "Workspace 'nowhere' not found"),
        ("POST", "/api/workspaces/nowhere/tasks/hello-world/execute", "Workspace 'nowhere' not found"),
        ("GET", f"{TASKS}/nothing", "Task 'nothing' not found in workspace 'default'"),
        ("POST", f"{TASKS}/nothing/execute", "Task 'nothing' not found in workspace 'default'"),
        ("GET", f"/api/jobs/{UNKNOWN}", "Job not found"),
        ("GET", f"/api/jobs/{UNKNOWN}/logs", "Job not found"),
        ("POST", f"/api/jobs/{UNKNOWN}/cancel", "Job not found"),
        ("GET", f"/api/workers/{UNKNOWN}", "Worker not found"),
        ("GET", "/api/nothing", "There is nothing at /api/nothing"),
        ("GET", "/api/workspaces/", "There is nothing at /api/workspaces/"),
    ],
)
async def test_what_is_unknown_is_404_with_its_name(api: AsyncClient, method: str, path: str, told: str) -> None:
    answer = await api.request(method, path)
    assert refused(answer, 404) == told
    assert answer.json()["instance"] == path


async def test_an_unknown_step_is_404_with_its_name(api: AsyncClient) -> None:
    job_id = (await api.post(f"{TASKS}/hello-world/execute")).json()["job_id"]
    assert "'nothing'" in refused(await api.get(f"/api/jobs/{job_id}/steps/nothing/logs"), 404)


@pytest.mark.parametrize("job_id", ["7", f"{{{UNKNOWN}}}", UNKNOWN.replace("-", ""), UNKNOWN.replace("-", "_")])
async def test_a_bad_job_id_is_400(api: AsyncClient, job_id: str) -> None:
    assert refused(await api.get(f"/api/jobs/{job_id}/logs"), 400) == "Invalid job ID"


async def test_a_bad_worker_id_is_400(api: AsyncClient) -> None:
    assert refused(await api.get("/api/workers/w1"), 400) == "Invalid worker ID"


@pytest.mark.parametrize(
    ("input_", "told"),
    [({}, "required"), ({"many": None}, "required"), ({"many": "3"}, "whole number"), ({"many": [1]}, "whole number")],
)
async def test_missing_and_mistyped_input_is_400_naming_the_field(
    api: AsyncClient, input_: dict[str, Any], told: str
) -> None:
    answer = await api.post(f"{TASKS}/count/execute", json={"input": input_})
    error = refused(answer, 400)
    assert "many" in error
    assert told in error
    assert answer.json()["errors"][0]["loc"] == "input.many"
    assert (await api.get("/api/jobs")).json()["total"] == 0


async def test_a_broken_task_is_400_with_the_text_of_the_workspaces_warning(api: AsyncClient) -> None:
    (workspace,) = (await api.get("/api/workspaces")).json()
    error = refused(await api.post(f"{TASKS}/broken/execute"), 400)
    (warning,) = [text for text in workspace["warnings"] if "nowhere" in text]
    assert warning in error
    assert (await api.get(f"{TASKS}/broken")).json()["problems"] == [warning]
    assert (await api.post(f"{TASKS}/hello-world/execute")).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b'{"input": []}',
        b'{"input": {}, "inputs": {}}',
        b'{"input": {"name": NaN}}',
        b'{"input": {"name": "\\ud800"}}',
        b'{"input": {"x": 99999999999999999}, "input": {"x": 18446744073709551615}}',
        b'{"input": {"a\\u0000b": 1}}',
        b'{"input": ' + b"[" * 100 + b"]" * 100 + b"}",
        b"[" * 100_000,
        b"\xff\xfe{}",
    ],
)
async def test_a_bad_body_is_400(api: AsyncClient, body: bytes) -> None:
    refused(await api.post(f"{TASKS}/hello-world/execute", content=body, headers=JSON), 400)


async def test_operators_in_input_are_only_values(api: AsyncClient) -> None:
    value = {"$where": "1", "a.b": {"$gt": ""}}
    answer = await api.post(f"{TASKS}/hello-world/execute", json={"input": value})
    job = (await api.get(f"/api/jobs/{answer.json()['job_id']}")).json()
    assert job["raw_input"] == value


async def test_a_body_that_is_not_json_is_415(api: AsyncClient) -> None:
    refused(await api.post(f"{TASKS}/hello-world/execute", data={"input": "1"}), 415)
    refused(await api.post(f"{TASKS}/hello-world/execute", content=b"{}", headers={"Content-Type": "text/plain"}), 415)


async def test_a_body_over_a_mebibyte_is_413_before_it_is_read(api: AsyncClient) -> None:
    path = f"{TASKS}/hello-world/execute"
    refused(await api.post(path, content=b" " * (1024 * 1024 + 1), headers=JSON), 413)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    refused(await api.post(path, content=pieces(), headers=JSON), 413)


@pytest.mark.parametrize(
    "query",
    ["limit=many", "limit=0", "limit=-1", "limit=1001", "limit=1.5", "limit=", "offset=-1", f"offset={'9' * 20}"],
)
@pytest.mark.parametrize("path", ["/api/jobs", "/api/workers"])
async def test_absurd_paging_is_400_naming_the_number(api: AsyncClient, path: str, query: str) -> None:
    assert query.partition("=")[0] in refused(await api.get(f"{path}?{query}"), 400)


async def test_bad_filters_are_400(api: AsyncClient) -> None:
    assert refused(await api.get("/api/jobs?task_name=a"), 400) == "task_name filter requires workspace"
    error = refused(await api.get("/api/jobs?status=done"), 400)
    assert error.startswith("Invalid status filter 'done'. Must be one of: pending, running")
    assert "source_type" in refused(await api.get("/api/jobs?source_type=ghost"), 400)


async def test_a_wrong_method_is_405(api: AsyncClient) -> None:
    answer = await api.delete("/api/jobs")
    refused(answer, 405)
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_an_idempotency_key_of_absurd_length_is_400(api: AsyncClient, key: str) -> None:
    answer = await api.post(f"{TASKS}/hello-world/execute", headers={"Idempotency-Key": key})
    assert "Idempotency-Key" in refused(answer, 400)


async def test_a_store_that_is_away_is_503_with_retry_after(api: AsyncClient, parts: Parts) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable

    parts.storage.jobs.list_jobs = fail  # type: ignore[method-assign, assignment]
    answer = await api.get("/api/jobs")
    assert "database" in refused(answer, 503)
    assert int(answer.headers["retry-after"]) > 0


async def test_our_own_defect_is_500_without_a_word_about_it(api: AsyncClient, parts: Parts) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret innards")

    parts.storage.jobs.list_jobs = fail  # type: ignore[method-assign, assignment]
    answer = await api.get("/api/jobs")
    assert refused(answer, 500) == "Internal server error"
    assert "innards" not in answer.text


async def test_a_request_that_takes_too_long_is_503(parts: Parts) -> None:
    async def hang(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    parts.storage.jobs.list_jobs = hang  # type: ignore[method-assign, assignment]
    hasty = replace(parts, settings=ApiSettings(api_request_seconds=0.05))
    async with AsyncClient(transport=ASGITransport(create_app(hasty)), base_url="http://api") as client:
        refused(await client.get("/api/jobs"), 503)


async def test_only_listed_origins_may_call_from_a_browser(parts: Parts) -> None:
    settings = ApiSettings(api_cors_origins=("https://ours.example",))
    app = create_app(replace(parts, settings=settings))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://api") as client:
        ours = await client.get("/api/config", headers={"Origin": "https://ours.example"})
        theirs = await client.get("/api/config", headers={"Origin": "https://theirs.example"})
    assert ours.headers["access-control-allow-origin"] == "https://ours.example"
    assert "access-control-allow-origin" not in theirs.headers


@pytest.mark.parametrize("origin", ["https://theirs.example", "null", "http://api.theirs.example"])
async def test_a_page_of_another_site_can_start_nothing(api: AsyncClient, origin: str) -> None:
    refused(await api.post(f"{TASKS}/hello-world/execute", headers={"Origin": origin}), 403)
    assert (await api.get("/api/jobs", headers={"Origin": origin})).json()["total"] == 0


async def test_a_page_of_our_own_may_start_jobs(api: AsyncClient) -> None:
    answer = await api.post(f"{TASKS}/hello-world/execute", headers={"Origin": "http://api"})
    assert answer.status_code == 200


def test_any_origin_can_not_be_allowed() -> None:
    with pytest.raises(ValueError, match="origin"):
        ApiSettings(api_cors_origins=("*",))
