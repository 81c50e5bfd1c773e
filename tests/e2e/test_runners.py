"""Stories of steps that are not shell scripts: requests, functions, other languages, and secrets in all of them."""

import json
from typing import Any

from services.cli.client import ApiClient
from tests.e2e.conftest import STORIES_TOKEN
from tests.e2e.test_main_job import by_name, stored, streamed
from tests.support.eventually import eventually
from tests.support.http_server import Answer, open_web_server

ENDS_WITHIN = 60.0


async def ended(api: ApiClient, task: str, **values: object) -> dict[str, Any]:
    """A job of the task, when it is over."""
    return await api.wait_for_end(await api.execute("stories", task, dict(values)), within_seconds=ENDS_WITHIN)


async def texts(api: ApiClient, job: dict[str, Any], step: str) -> list[str]:
    return [line["line"] for line in await stored(api, job["job_id"], step)]


async def test_a_request_and_a_function_work_on_its_answer(api: ApiClient) -> None:
    async with open_web_server() as web:
        web.answers["/numbers"] = Answer(200, b"[1, 2, 3]", {"content-type": "application/json"})
        job = await ended(api, "requests-and-adds", url=web.url)
    assert (job["status"], job["output"]) == ("completed", {"add": {"sum": 7}})
    (asked,) = web.asked
    assert (asked.method, json.loads(asked.body)) == ("POST", {"question": "how many?"})
    assert asked.headers["authorization"] == f"Bearer {STORIES_TOKEN}"
    assert (await texts(api, job, "ask"))[0].startswith(f"POST {web.url}/numbers -> 200 (9 bytes, ")
    assert await texts(api, job, "add") == ["adding 1 2 3"]


async def test_a_request_that_is_refused_fails_with_status_and_body(api: ApiClient) -> None:
    async with open_web_server() as web:
        web.answers["/"] = Answer(409, b"not now")
        job = await ended(api, "requests", url=web.url)
    assert job["status"] == "failed"
    assert by_name(job)["ask"]["error_message"] == "HTTP status 409\nnot now"


async def test_a_request_to_the_inside_of_the_network_is_not_sent(api: ApiClient) -> None:
    job = await ended(api, "requests", url="http://169.254.169.254/latest/meta-data")
    assert "169.254.169.254, which steps may not reach" in by_name(job)["ask"]["error_message"]


async def test_a_failing_function_tells_its_exception(api: ApiClient) -> None:
    job = await ended(api, "functions-failing")
    assert by_name(job)["call"]["error_message"] == "ValueError: as it should"
    assert (await texts(api, job, "call"))[0] == "Traceback (most recent call last):"


async def test_a_function_is_cancelled_in_the_middle(api: ApiClient) -> None:
    job_id = await api.execute("stories", "functions-sleeping", {})

    async def is_asleep() -> bool:
        return [line["line"] for line in await stored(api, job_id, "call")] == ["asleep"]

    await eventually(is_asleep)
    await api.post(f"/api/jobs/{job_id}/cancel")
    assert (await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN))["status"] == "cancelled"


async def test_functions_find_warm_processes(api: ApiClient) -> None:
    jobs = [await ended(api, "functions-counting") for _ in range(6)]
    found = [job["output"]["call"] for job in jobs]
    assert max(one["calls"] for one in found) > 1
    assert len({one["pid"] for one in found}) < len(found)


async def test_secrets_reach_the_steps_and_nobody_else(api: ApiClient) -> None:
    job = await ended(api, "keeps-secrets")
    masked = {"length": str(len(STORIES_TOKEN))}
    assert job["output"] == {"script": {**masked, "token": "***"}, "function": {**masked, "password": "***"}}
    assert (await texts(api, job, "script"))[:2] == ["token: ***", "***"]
    assert await texts(api, job, "function") == ["got ***"]
    told = json.dumps([await api.get(f"/api/jobs/{job['job_id']}"), await streamed(api, job["job_id"])])
    assert STORIES_TOKEN not in told
    assert "⟦secret" not in json.dumps(job, ensure_ascii=False)


async def test_javascript_runs_where_there_is_a_node(api: ApiClient) -> None:
    step = by_name(await ended(api, "speaks-javascript"))["speak"]
    is_missing = "needs bun or node, which is not installed" in str(step["error_message"])
    assert is_missing or step["output"] == {"hello": "Ada"}
