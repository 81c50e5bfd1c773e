"""Steering jobs over REST: who is granted what, and how refusals look."""

from datetime import UTC, datetime
from typing import Any

import pytest
from httpx import AsyncClient, Response

from services.api.parts import Parts
from shared.engine.events import StepFinished, StepStarted
from shared.engine.states import Outcome
from tests.unit.api.seed import WORKER_ID, finish_step, seed_workspace
from tests.unit.api.test_refusals import UNKNOWN, refused

STEER = b"""
tasks:
  chain:
    input: { token: { type: string, secret: true }, n: { type: integer } }
    flow:
      a: { type: script, script: "true" }
      b: { type: script, script: "true", depends_on: [a] }
  ask:
    flow:
      gate: { type: approval, message: "Go?", input: { why: { type: string, required: true } } }
      after: { type: script, script: "true", depends_on: [gate] }
"""


@pytest.fixture(autouse=True)
async def _workspace(parts: Parts) -> None:
    await seed_workspace(parts.storage, "steer", STEER)


async def execute(api: AsyncClient, task: str = "chain", **body: Any) -> str:
    answer = await api.post(f"/api/workspaces/steer/tasks/{task}/execute", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["job_id"])


async def started(api: AsyncClient, parts: Parts) -> str:
    """A job whose first step runs."""
    job_id = await execute(api)
    event = StepStarted(at=datetime.now(UTC), step="a", attempt=1, worker_id=WORKER_ID)
    await parts.orchestrator.apply({job_id: [event]})
    return job_id


async def failed(api: AsyncClient, parts: Parts) -> str:
    """A job whose second step failed."""
    job_id = await execute(api)
    await finish_step(parts.orchestrator, job_id, "a", output={"n": 1})
    about: dict[str, Any] = {"at": datetime.now(UTC), "step": "b", "attempt": 1, "worker_id": WORKER_ID}
    await parts.orchestrator.apply({job_id: [StepFinished(**about, outcome=Outcome.FAILED, error="boom")]})
    return job_id


async def show(api: AsyncClient, job_id: str) -> Any:
    return (await api.get(f"/api/jobs/{job_id}")).json()


def granted(answer: Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_job_is_paused_once_and_resumed_once(api: AsyncClient, parts: Parts) -> None:
    job_id = await started(api, parts)
    assert refused(await api.post(f"/api/jobs/{job_id}/resume"), 409) == "Job is not paused"
    for _ in range(2):
        assert granted(await api.post(f"/api/jobs/{job_id}/pause")) == {"status": "paused"}
    assert (await show(api, job_id))["reason"] == "paused by anonymous"
    assert granted(await api.post(f"/api/jobs/{job_id}/resume")) == {"status": "running"}


async def test_a_pending_job_can_not_be_paused(api: AsyncClient) -> None:
    assert "none of its steps has begun" in refused(await api.post(f"/api/jobs/{await execute(api)}/pause"), 409)


async def test_a_step_is_skipped_with_a_reason(api: AsyncClient, parts: Parts) -> None:
    job_id = await started(api, parts)
    skipped = granted(await api.post(f"/api/jobs/{job_id}/steps/b/skip", json={"reason": "late"}))
    assert skipped == {"status": "skipped", "attempt": 0}
    step = (await show(api, job_id))["steps"][1]
    assert (step["error_message"], step["settled_by"]) == ("late", "anonymous")
    told = refused(await api.post(f"/api/jobs/{job_id}/steps/a/skip"), 409)
    assert told == "Step 'a' is running; only a pending or suspended step can be skipped"


async def test_a_step_is_completed_with_a_result(api: AsyncClient, parts: Parts) -> None:
    job_id = await started(api, parts)
    path = f"/api/jobs/{job_id}/steps/b/force-complete"
    assert granted(await api.post(path, json={"result": [1, {"x": None}]}))["status"] == "completed"
    assert (await show(api, job_id))["steps"][1]["output"] == [1, {"x": None}]


async def test_a_step_of_an_ended_job_runs_again(api: AsyncClient, parts: Parts) -> None:
    job_id = await failed(api, parts)
    assert granted(await api.post(f"/api/jobs/{job_id}/steps/b/retry")) == {"status": "ready", "attempt": 2}
    job = await show(api, job_id)
    assert (job["status"], job["completed_at"]) == ("running", None)


async def test_a_subtree_runs_again(api: AsyncClient, parts: Parts) -> None:
    job_id = await failed(api, parts)
    assert granted(await api.post(f"/api/jobs/{job_id}/steps/a/replay")) == {"reset_steps": ["a", "b"]}


async def test_a_job_is_retried_once_for_a_key(api: AsyncClient, parts: Parts) -> None:
    job_id = await failed(api, parts)
    headers = {"Idempotency-Key": "k1"}
    first = granted(await api.post(f"/api/jobs/{job_id}/retry", headers=headers))
    assert granted(await api.post(f"/api/jobs/{job_id}/retry", headers=headers)) == first
    other = granted(await api.post(f"/api/jobs/{job_id}/retry"))
    assert other != first
    job = await show(api, first["job_id"])
    assert (job["retry_of_job_id"], job["source_type"], job["source_id"]) == (job_id, "retry", job_id)
    assert [step["status"] for step in job["steps"]] == ["completed", "ready"]
    assert job["steps"][0]["output"] == {"n": 1}


async def test_a_job_that_has_not_ended_is_not_retried(api: AsyncClient) -> None:
    job_id = await execute(api)
    for headers in ({}, {"Idempotency-Key": "k1"}):
        told = refused(await api.post(f"/api/jobs/{job_id}/retry", headers=headers), 409)
        assert told == "Job is pending; only a job that has ended can be retried"


async def test_an_approval_wants_its_form(api: AsyncClient) -> None:
    job_id = await execute(api, "ask")
    path = f"/api/jobs/{job_id}/steps/gate/approve"
    gate = (await show(api, job_id))["steps"][0]
    assert (gate["status"], gate["approval_message"]) == ("suspended", "Go?")
    assert gate["approval_fields"]["why"]["required"]
    assert "approved" in refused(await api.post(path), 400)
    assert refused(await api.post(path, json={"approved": True, "input": {}}), 400) == "Required field 'why' is missing"
    assert granted(await api.post(path, json={"approved": True, "input": {"why": "so"}})) == {"status": "approved"}
    gate = (await show(api, job_id))["steps"][0]
    assert gate["output"]["approved_by"] == "anonymous"
    assert "terminal" in refused(await api.post(path, json={"approved": True}), 409)


async def test_an_approval_that_requires_a_form_is_not_given_without_one(api: AsyncClient) -> None:
    path = f"/api/jobs/{await execute(api, 'ask')}/steps/gate/approve"
    assert refused(await api.post(path, json={"approved": True}), 400) == "Required field 'why' is missing"


async def test_a_rejection_says_why(api: AsyncClient) -> None:
    job_id = await execute(api, "ask")
    body = {"approved": False, "rejection_reason": "no"}
    assert granted(await api.post(f"/api/jobs/{job_id}/steps/gate/approve", json=body)) == {"status": "rejected"}
    job = await show(api, job_id)
    assert (job["status"], job["steps"][0]["error_message"]) == ("failed", "no")


@pytest.mark.parametrize("verb", ["approve", "skip", "force-complete", "retry", "replay"])
async def test_an_unknown_step_or_job_is_404(api: AsyncClient, verb: str) -> None:
    body = {"approved": True} if verb == "approve" else None
    job_id = await execute(api)
    assert "'x'" in refused(await api.post(f"/api/jobs/{job_id}/steps/x/{verb}", json=body), 404)
    assert refused(await api.post(f"/api/jobs/{UNKNOWN}/steps/a/{verb}", json=body), 404) == "Job not found"


@pytest.mark.parametrize("verb", ["pause", "resume", "retry"])
async def test_a_verb_on_an_unknown_job_is_404(api: AsyncClient, verb: str) -> None:
    refused(await api.post(f"/api/jobs/{UNKNOWN}/{verb}"), 404)
    refused(await api.get(f"/api/jobs/{UNKNOWN}/explain"), 404)


@pytest.mark.parametrize("body", [{"reasons": "x"}, {"reason": 7}, []])
async def test_a_wish_that_does_not_fit_is_400(api: AsyncClient, body: Any) -> None:
    refused(await api.post(f"/api/jobs/{await execute(api)}/steps/b/skip", json=body), 400)


async def test_many_are_cancelled_each_for_itself(api: AsyncClient) -> None:
    one, other = await execute(api), await execute(api)
    await api.post(f"/api/jobs/{other}/cancel")
    found = granted(await api.post("/api/jobs/bulk-cancel", json={"job_ids": [one, other, UNKNOWN, "7", one]}))
    assert (found["cancelled"], found["failed"]) == (1, 3)
    assert [item["error"] for item in found["results"]] == [
        None,
        "Job is already in a terminal state",
        "Job not found",
        "Invalid job ID",
    ]


async def test_many_are_retried_each_for_itself(api: AsyncClient, parts: Parts) -> None:
    one, open_ = await failed(api, parts), await execute(api)
    found = granted(await api.post("/api/jobs/bulk-retry", json={"job_ids": [one, open_, UNKNOWN]}))
    assert (found["retried"], found["failed"]) == (1, 2)
    assert (await show(api, found["results"][0]["new_job_id"]))["retry_of_job_id"] == one


@pytest.mark.parametrize("path", ["bulk-cancel", "bulk-retry"])
@pytest.mark.parametrize("ids", [[], ["x"] * 101, None])
async def test_too_few_and_too_many_at_once_are_400(api: AsyncClient, path: str, ids: list[str] | None) -> None:
    refused(await api.post(f"/api/jobs/{path}", json={} if ids is None else {"job_ids": ids}), 400)


async def test_a_job_explains_what_it_waits_for(api: AsyncClient) -> None:
    job_id = await execute(api)
    found = granted(await api.get(f"/api/jobs/{job_id}/explain"))
    assert found["waits_for"]["sentence"] == "The job waits for 'a' (ready), 'b' (pending)"
    assert [step["waits_for"][0]["sentence"] for step in found["steps"]] == [
        "No live worker for route 'script' and none was ever seen",
        "Dependency 'a' is ready",
    ]


async def test_an_ended_job_waits_for_nothing(api: AsyncClient, parts: Parts) -> None:
    found = granted(await api.get(f"/api/jobs/{await failed(api, parts)}/explain"))
    assert (found["status"], found["waits_for"], found["steps"]) == ("failed", None, [])


async def test_a_job_is_run_again_with_edited_input_and_its_secrets(api: AsyncClient) -> None:
    first = await execute(api, input={"token": "s3cret", "n": 1})
    again = await execute(api, input={"token": "••••••", "n": 2}, source_job_id=first)
    job = await show(api, again)
    assert (job["source_type"], job["source_job_id"]) == ("rerun", first)
    stored = (await show(api, first))["raw_input"]["token"]
    assert (job["raw_input"]["token"], job["raw_input"]["n"]) == (stored, 2)
    other = await execute(api, input={"n": 1})
    assert (
        "token"
        not in (await show(api, await execute(api, input={"token": "••••••"}, source_job_id=other)))["raw_input"]
    )


async def test_a_source_job_must_exist_in_the_same_workspace(api: AsyncClient) -> None:
    path = "/api/workspaces/steer/tasks/chain/execute"
    assert "not found" in refused(await api.post(path, json={"source_job_id": UNKNOWN}), 400)
    assert "Invalid job ID" in refused(await api.post(path, json={"source_job_id": "7"}), 400)
    foreign = (await api.post("/api/workspaces/default/tasks/hello-world/execute")).json()["job_id"]
    told = refused(await api.post(path, json={"source_job_id": foreign}), 400)
    assert told == "Source job belongs to a different workspace"
