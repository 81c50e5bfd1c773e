"""Stories of two of every service at once, and of one of them killed in the middle of a job."""

import asyncio
import signal
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.cli.client import ApiClient, ApiFailed
from tests.e2e.test_main_job import by_name, stored
from tests.support.eventually import eventually
from tests.support.stack import LocalStack

ENDS_WITHIN = timedelta(seconds=90)
LATER_WITHIN = timedelta(seconds=30)


async def test_forty_jobs_through_two_apis_run_each_step_once(
    api: ApiClient, other_api: ApiClient, tmp_path: Path
) -> None:
    traces = [tmp_path / str(number) for number in range(40)]
    clients = [api, other_api] * 20
    ids = await asyncio.gather(
        *(
            client.execute("stories", "diamond", {"trace": str(trace)})
            for client, trace in zip(clients, traces, strict=True)
        )
    )
    jobs = await asyncio.gather(
        *(other_api.wait_for_end(job_id, within_seconds=ENDS_WITHIN.total_seconds()) for job_id in ids)
    )
    assert {job["status"] for job in jobs} == {"completed"}
    for trace in traces:
        assert Counter(trace.read_text().split("\n")[:-1]) == Counter(["top 1", "left 1", "right 1", "bottom 1"])


@pytest.mark.parametrize("service", ["api", "scheduler", "dispatcher", "broker", "database"])
async def test_a_service_killed_in_mid_job_loses_nothing(
    stack: LocalStack, other_api: ApiClient, api: ApiClient, service: str, tmp_path: Path
) -> None:
    traces = [tmp_path / str(number) for number in range(6)]
    ids = [await api.execute("stories", "chain", {"trace": str(trace), "seconds": 0.5}) for trace in traces]
    await _until_written(traces[0])
    for name in stack.names(service):
        stack.kill(name, signal.SIGKILL)
    for trace, job_id in zip(traces, ids, strict=True):
        job = await _wait_through_restart(other_api, job_id)
        assert job["status"] == "completed"
        assert trace.read_text().split() == ["one", "1", "two", "1", "three", "1", "four", "1"]
        for step in by_name(job):
            assert (await stored(other_api, job_id, step))[0]["line"] == f"step {step} works for 0.5 s"
    stack.wait_until_healthy()


@pytest.mark.timeout(180)
async def test_a_worker_killed_in_mid_job_has_its_steps_run_again_elsewhere(
    stack: LocalStack, api: ApiClient, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    job_id = await api.execute("stories", "chain", {"trace": str(trace), "seconds": 1})
    await _until_written(trace)
    for name in stack.names("worker"):
        stack.kill(name, signal.SIGKILL)
    job = await _wait_through_restart(api, job_id)
    assert job["status"] == "completed"
    ran = trace.read_text().split("\n")[:-1]
    assert Counter(line.split()[0] for line in ran)["one"] == 2
    assert Counter(line.split()[0] for line in ran[1:]) == Counter(["one", "two", "three", "four"])
    assert any("lost" in line["line"] or "recovery" in line["line"] for line in await stored(api, job_id, "_server"))
    stack.wait_until_healthy()


async def test_each_cron_time_fires_once_with_two_schedulers(api: ApiClient) -> None:
    async def fired_thrice() -> list[dict[str, Any]] | None:
        listed: dict[str, Any] = await api.get("/api/jobs", workspace="stories", source_type="trigger", limit=200)
        found = [job for job in listed["items"] if job["source_id"] == "stories/every-three-seconds"]
        return found if len(found) >= 3 else None

    fired = await eventually(fired_thrice, within=LATER_WITHIN)
    made = Counter(job["created_at"][:19] for job in fired)
    assert {job["source_type"] for job in fired} == {"trigger"}
    assert max(made.values()) == 1


async def _until_written(trace: Path) -> None:
    await eventually(lambda: trace.exists() and trace.read_text(), within=LATER_WITHIN)


async def _wait_through_restart(client: ApiClient, job_id: str) -> dict[str, Any]:
    """The job's end, although the api itself may be away for a while."""

    async def ended() -> dict[str, Any] | None:
        try:
            return await client.wait_for_end(job_id, within_seconds=1)
        except ApiFailed:
            return None

    return await eventually(ended, within=ENDS_WITHIN)
