"""Stories of a job from its start over REST to its end."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil

from services.cli.client import ApiClient
from tests.support.eventually import eventually

ENDS_WITHIN = 60.0
LATER_WITHIN = timedelta(seconds=30)


async def streamed(api: ApiClient, job_id: str) -> list[dict[str, Any]]:
    """The job's log lines as a WebSocket client sees them."""
    return [json.loads(line) async for line in api.stream_logs(job_id)]


async def stored(api: ApiClient, job_id: str, step: str | None = None) -> list[dict[str, Any]]:
    """The job's, or one step's, log lines as REST answers them."""
    path = f"/api/jobs/{job_id}/steps/{step}/logs" if step else f"/api/jobs/{job_id}/logs"
    text: str = (await api.get(path))["logs"]
    return [json.loads(line) for line in text.split("\n") if line]


def by_name(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The job's steps by their names."""
    return {step["step_name"]: step for step in job["steps"]}


async def test_the_weather_report_runs_four_years_side_by_side_and_joins_them(api: ApiClient) -> None:
    job_id = await api.execute("default", "weather-report", {})
    lines = await streamed(api, job_id)
    job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN)
    assert job["status"] == "completed"
    (report,) = job["output"].values()
    assert "2012" in report["markdown"]
    assert "2015" in report["markdown"]
    assert report["svg"].startswith("<svg")
    assert {line["step"] for line in lines} >= set(by_name(job))
    years = [step for name, step in by_name(job).items() if "201" in name]
    assert len(years) == 4
    assert max(step["started_at"] for step in years) < max(step["completed_at"] for step in years)


async def test_hello_world_answers_as_its_page_shows(api: ApiClient) -> None:
    job_id = await api.execute("default", "hello-world", {"name": "Headrace"})
    job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN)
    assert (job["status"], job["workspace"], job["source_type"]) == ("completed", "default", "api")
    step = by_name(job)["say-hello"]
    assert step["input"] == {"name": "Headrace"}
    assert step["output"] == {"greeting": "Hello Headrace"}
    assert (step["action_name"], step["action_type"], step["runner"]) == ("greet", "script", "local")
    assert step["worker_id"]
    lines = await stored(api, job_id, "say-hello")
    assert [line["line"] for line in lines if not line["line"].startswith("OUTPUT")] == ["Hello Headrace"]
    assert list(lines[0]) == ["ts", "stream", "step", "line"]


async def test_a_failed_step_skips_the_rest_and_runs_the_on_error_hook(api: ApiClient) -> None:
    job_id = await api.execute("stories", "breaks", {})
    job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN)
    crash = by_name(job)["crash"]
    assert job["status"] == "failed"
    assert crash["error_message"].startswith("Exit code: 3\nStderr: to stderr")

    async def hooks_of_job() -> list[dict[str, Any]]:
        listed = await api.get("/api/jobs", source_type="hook", limit=100)
        return [one for one in listed["items"] if one["source_id"] == job_id]

    hooks = await eventually(hooks_of_job, within=LATER_WITHIN)
    hook = await api.wait_for_end(hooks[0]["job_id"], within_seconds=ENDS_WITHIN)
    assert (hook["status"], hook["task_name"]) == ("completed", "_hook:tell-failure")
    told = [line["line"] for line in await stored(api, hook["job_id"], "hook")]
    assert told[0].startswith("told: failed Step 'crash': Exit code: 3")


async def test_a_step_over_its_time_is_killed_and_the_rest_is_skipped(api: ApiClient) -> None:
    job_id = await api.execute("stories", "overrun", {})
    job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN)
    steps = by_name(job)
    assert job["status"] == "failed"
    assert steps["sleep-long"]["error_message"].startswith("Step timed out after 1s")
    assert steps["after"]["status"] == "skipped"


async def test_cancel_kills_the_processes_and_a_second_cancel_is_refused(api: ApiClient, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    job_id = await api.execute("stories", "long-sleeper", {"pid_file": str(pid_file)})
    await eventually(lambda: pid_file.exists() and pid_file.read_text().strip(), within=LATER_WITHIN)
    pid = int(pid_file.read_text())
    assert await api.post(f"/api/jobs/{job_id}/cancel") == {"status": "cancelled"}

    async def is_reported() -> bool:
        return bool(by_name(await api.get(f"/api/jobs/{job_id}"))["sleep"]["status"] == "cancelled")

    await eventually(is_reported, within=LATER_WITHIN)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    answer = await api._http.post(f"/api/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json()["error"]) == (409, "Job is already in a terminal state")


async def test_a_job_log_is_the_same_by_stream_and_by_rest_from_either_api(
    api: ApiClient, other_api: ApiClient
) -> None:
    job_id = await api.execute("stories", "speaker", {"how": "20000 lines"})
    here, there = await asyncio.gather(streamed(api, job_id), streamed(other_api, job_id))
    kept = await stored(other_api, job_id, "speak")
    said = [f"line {number}" for number in range(20_000)]
    for lines in (here, there, kept):
        assert [line["line"] for line in lines if line["step"] == "speak"] == said
    late = await streamed(other_api, job_id)
    assert [line["line"] for line in late if line["step"] == "speak"] == said
