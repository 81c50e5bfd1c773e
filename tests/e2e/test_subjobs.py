"""Stories of jobs that start jobs, and of jobs that are tried again."""

import os
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from services.cli.client import ApiClient
from tests.e2e.test_main_job import by_name
from tests.support.eventually import eventually
from tests.support.stack import LocalStack

ENDS_WITHIN = 60.0


async def ended(api: ApiClient, task: str, **values: object) -> dict[str, Any]:
    """A job of the task, when it is over."""
    return await api.wait_for_end(await api.execute("stories", task, dict(values)), within_seconds=ENDS_WITHIN)


async def child_of(api: ApiClient, job: dict[str, Any], step: str) -> dict[str, Any]:
    """The job that the step started."""
    found: dict[str, Any] = await api.get(f"/api/jobs/{by_name(job)[step]['child_job_id']}")
    return found


async def test_a_step_runs_another_task_as_a_job_of_its_own_and_has_its_output(api: ApiClient) -> None:
    job = await ended(api, "calls", many=4)
    steps = by_name(job)
    assert (job["status"], job["output"]) == ("completed", {"after": {"got": 5}})
    assert steps["call"]["output"] == {"add": {"sum": 5}}
    child = await child_of(api, job, "call")
    assert (child["source_type"], child["source_id"]) == ("task", f"{job['job_id']}/call")
    assert (child["parent_job_id"], child["parent_step"], child["status"]) == (job["job_id"], "call", "completed")
    assert (child["input"], child["revision"]) == ({"many": 4, "step": 1}, job["revision"])


async def test_jobs_nest(api: ApiClient) -> None:
    job = await ended(api, "calls-calls")
    assert (job["status"], job["output"]) == ("completed", {"outer": {"after": {"got": 41}}})


async def test_a_child_for_each_item(api: ApiClient) -> None:
    job = await ended(api, "calls-each")
    assert job["status"] == "completed"
    assert job["output"] == {"call": [{"add": {"sum": number + 1}} for number in range(1, 6)]}


async def test_a_child_that_fails_or_can_not_start_fails_the_step_with_the_reason(api: ApiClient) -> None:
    crashed = await ended(api, "calls-crashing")
    step = by_name(crashed)["call"]
    assert (crashed["status"], step["status"]) == ("failed", "failed")
    assert step["child_job_id"] in step["error_message"]
    refused = await ended(api, "calls-wrongly")
    assert refused["status"] == "failed"
    assert "input.many" in by_name(refused)["call"]["error_message"]


async def test_cancelling_the_parent_ends_the_child_and_its_process(api: ApiClient, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    job_id = await api.execute("stories", "calls-sleeping", {"pid_file": str(pid_file)})
    await eventually(lambda: pid_file.exists() and pid_file.read_text().strip(), within=timedelta(seconds=ENDS_WITHIN))
    await api.post(f"/api/jobs/{job_id}/cancel")
    job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN)
    child = await child_of(api, job, "call")
    over = await api.wait_for_end(child["job_id"], within_seconds=ENDS_WITHIN)
    assert (job["status"], over["status"]) == ("cancelled", "cancelled")
    pid = int(pid_file.read_text())
    await eventually(lambda: not _lives(pid), within=timedelta(seconds=20))


async def test_a_step_that_times_out_ends_its_child(api: ApiClient, tmp_path: Path) -> None:
    job = await ended(api, "calls-overrunning", pid_file=str(tmp_path / "pid"))
    assert (job["status"], by_name(job)["call"]["status"]) == ("failed", "failed")
    child_id = by_name(job)["call"]["child_job_id"]
    over = await api.wait_for_end(child_id, within_seconds=ENDS_WITHIN)
    assert (over["status"], over["reason"]) == ("cancelled", f"cancelled by job {job['job_id']}")


async def test_children_survive_the_death_of_every_dispatcher(api: ApiClient, stack: LocalStack) -> None:
    ids = [await api.execute("stories", "calls-each", {}) for _ in range(3)]
    for name in stack.names("dispatcher"):
        stack.kill(name)
    for job_id in ids:
        job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN * 2)
        assert job["output"] == {"call": [{"add": {"sum": number + 1}} for number in range(1, 6)]}
    stack.wait_until_healthy()


async def test_a_job_that_failed_is_tried_again_as_a_whole_after_a_while(api: ApiClient, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    first = await ended(api, "succeeds-at-last", trace=str(trace))
    assert first["status"] == "failed"
    chain = [first]
    while (following := chain[-1]["retry_job_id"]) is not None:

        async def exists(job_id: str = following) -> bool:
            jobs = await api.get("/api/jobs", workspace="stories", source_type="retry", limit=100)
            return job_id in {job["job_id"] for job in jobs["items"]}

        await eventually(exists, within=timedelta(seconds=ENDS_WITHIN))
        chain.append(await api.wait_for_end(following, within_seconds=ENDS_WITHIN))
    assert [job["status"] for job in chain] == ["failed", "failed", "completed"]
    assert [job["retry_attempt"] for job in chain] == [0, 1, 2]
    assert [job["retry_of_job_id"] for job in chain] == [None, first["job_id"], first["job_id"]]
    assert trace.read_text().split() == ["tried"] * 3
    for failed, again in pairwise(chain):
        waited = _at(again["started_at"]) - _at(failed["completed_at"])
        assert waited >= timedelta(seconds=1)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
