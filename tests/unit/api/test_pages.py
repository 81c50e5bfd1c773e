"""What the contract's page shows works, with its field names."""

from httpx import AsyncClient

from services.api.parts import Parts
from shared.storage.records import RunningStep, WorkerRecord
from tests.support.eventually import eventually
from tests.unit.api.logbook import chunk, texts
from tests.unit.api.seed import REVISION, WORKER_ID, finish_step, seed_workspace

HELLO = "/api/workspaces/default/tasks/hello-world"


async def test_workspaces_are_listed_with_their_counts_and_warnings(api: AsyncClient) -> None:
    (row,) = (await api.get("/api/workspaces")).json()
    expected = {"name": "default", "tasks_count": 3, "actions_count": 1, "triggers_count": 2, "connections_count": 0}
    assert row.items() >= {**expected, "revision": REVISION}.items()
    assert any("nowhere" in text and text.startswith("default.yaml:") for text in row["warnings"])
    assert "error" not in row


async def test_tasks_are_listed(api: AsyncClient) -> None:
    tasks = {row["id"]: row for row in (await api.get("/api/workspaces/default/tasks")).json()}
    hello = {"name": "hello-world", "workspace": "default", "mode": "distributed", "has_triggers": True}
    assert tasks["hello-world"].items() >= hello.items()
    assert "folder" not in tasks["hello-world"]
    assert (tasks["count"]["folder"], tasks["count"]["has_triggers"]) == ("numbers", False)
    assert (tasks["broken"]["can_execute"], tasks["count"]["name"]) == (False, "Count things")
    assert (await api.get("/api/tasks")).json() == list(tasks.values())


async def test_a_task_is_shown_with_input_flow_and_triggers(api: AsyncClient) -> None:
    task = (await api.get(HELLO)).json()
    assert (task["name"], task["mode"]) == ("hello-world", "distributed")
    assert task["input"]["name"].items() >= {"type": "string", "default": "World"}.items()
    assert task["flow"]["say-hello"].items() >= {"action": "greet", "input": {"name": "{{ input.name }}"}}.items()
    (trigger,) = task["triggers"]
    assert trigger.items() >= {"name": "nightly", "type": "scheduler", "cron": "0 0 2 * * *", "enabled": True}.items()
    assert (trigger["task"], trigger["input"], len(trigger["next_runs"])) == ("hello-world", {}, 5)
    assert trigger["next_runs"][0].endswith("T02:00:00+00:00")


async def test_triggers_are_listed_with_fire_times_even_if_disabled(api: AsyncClient) -> None:
    asleep, nightly = (await api.get("/api/workspaces/default/triggers")).json()
    assert (asleep["name"], asleep["enabled"], len(asleep["next_runs"])) == ("asleep", False, 5)
    assert nightly["name"] == "nightly"


async def test_a_job_is_executed_shown_and_listed(api: AsyncClient, parts: Parts) -> None:
    answer = await api.post(f"{HELLO}/execute", json={"input": {"name": "Ada"}})
    assert answer.status_code == 200
    (job_id,) = answer.json().values()
    await finish_step(parts.orchestrator, job_id, "say-hello", output={"greeting": "Hello Ada"})
    job = (await api.get(f"/api/jobs/{job_id}")).json()
    shown = {"job_id": job_id, "workspace": "default", "task_name": "hello-world", "status": "completed"}
    assert job.items() >= {**shown, "revision": REVISION, "input": {"name": "Ada"}, "source_type": "api"}.items()
    assert job["created_at"].endswith("Z")
    (step,) = job["steps"]
    expected = {"step_name": "say-hello", "action_name": "greet", "action_type": "script", "runner": "local"}
    said = {"input": {"name": "Ada"}, "output": {"greeting": "Hello Ada"}, "status": "completed"}
    assert step.items() >= {**expected, **said, "worker_id": WORKER_ID, "error_message": None}.items()
    nulls = {"action_image", "suspended_at", "when_condition", "for_each_expr", "loop_index", "retry_at"}
    assert {key for key in nulls if step[key] is None} == nulls
    listed = (await api.get("/api/jobs", params={"workspace": "default", "task_name": "hello-world"})).json()
    assert (listed["total"], listed["items"][0]["job_id"], listed["items"][0]["mode"]) == (1, job_id, "distributed")
    assert (await api.get("/api/stats")).json().items() >= {"completed": 1, "running": 0, "skipped": 0}.items()


async def test_execute_without_a_body_takes_the_defaults(api: AsyncClient) -> None:
    job_id = (await api.post(f"{HELLO}/execute")).json()["job_id"]
    job = (await api.get(f"/api/jobs/{job_id}")).json()
    assert (job["input"], job["raw_input"]) == ({"name": "World"}, {})


async def test_steps_are_shown_in_topological_order(api: AsyncClient) -> None:
    answer = await api.post("/api/workspaces/default/tasks/count/execute", json={"input": {"many": 3}})
    job = (await api.get(f"/api/jobs/{answer.json()['job_id']}")).json()
    assert [step["step_name"] for step in job["steps"]] == ["a", "b"]
    assert [step["status"] for step in job["steps"]] == ["ready", "pending"]


async def test_jobs_are_filtered_and_paged_newest_first(api: AsyncClient, parts: Parts) -> None:
    ids = [(await api.post(f"{HELLO}/execute")).json()["job_id"] for _ in range(3)]
    await finish_step(parts.orchestrator, ids[0], "say-hello")
    page = (await api.get("/api/jobs", params={"limit": 1, "offset": 1})).json()
    assert ([row["job_id"] for row in page["items"]], page["total"]) == ([ids[1]], 3)
    done = (await api.get("/api/jobs", params={"status": "completed"})).json()
    assert [row["job_id"] for row in done["items"]] == [ids[0]]
    assert (await api.get("/api/jobs", params={"source_type": "trigger"})).json() == {"items": [], "total": 0}


async def test_the_same_idempotency_key_starts_one_job(api: AsyncClient) -> None:
    headers = {"Idempotency-Key": "monday"}
    first = await api.post(f"{HELLO}/execute", json={"input": {"name": "A"}}, headers=headers)
    again = await api.post(f"{HELLO}/execute", json={"input": {"name": "A"}}, headers=headers)
    other = await api.post(f"{HELLO}/execute", json={"input": {"name": "B"}}, headers=headers)
    assert first.json() == again.json()
    assert (await api.get("/api/jobs")).json()["total"] == 1
    assert (other.status_code, "Idempotency-Key" in other.json()["error"]) == (409, True)


async def test_a_refused_request_does_not_use_its_idempotency_key_up(api: AsyncClient) -> None:
    path, headers = "/api/workspaces/default/tasks/count/execute", {"Idempotency-Key": "one"}
    assert (await api.post(path, json={"input": {}}, headers=headers)).status_code == 400
    assert (await api.post(path, json={"input": {"many": 1}}, headers=headers)).status_code == 200


async def test_cancel_ends_a_job_once(api: AsyncClient) -> None:
    job_id = (await api.post(f"{HELLO}/execute")).json()["job_id"]
    answer = await api.post(f"/api/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json()) == (200, {"status": "cancelled"})
    again = await api.post(f"/api/jobs/{job_id}/cancel")
    assert (again.status_code, again.json()["error"]) == (409, "Job is already in a terminal state")


async def test_logs_are_jsonl_text_of_the_job_and_of_each_step(api: AsyncClient, parts: Parts) -> None:
    job_id = (await api.post(f"{HELLO}/execute")).json()["job_id"]
    assert (await api.get(f"/api/jobs/{job_id}/logs")).json() == {"logs": ""}
    await parts.storage.logs.append(
        [chunk("say-hello", 0, 2, job_id=job_id), chunk("_server", 0, 1, attempt=0, job_id=job_id)]
    )
    whole = (await api.get(f"/api/jobs/{job_id}/logs")).json()["logs"]
    assert texts(whole, "say-hello") == ["line 0", "line 1"]
    server = (await api.get(f"/api/jobs/{job_id}/steps/_server/logs")).json()["logs"]
    line = '{"ts":"2026-01-01T00:00:00Z","stream":"stdout","step":"_server","line":"line 0"}\n'
    assert server == line
    assert line in whole


async def test_the_log_of_an_ended_job_waits_for_its_last_lines(api: AsyncClient, parts: Parts) -> None:
    job_id = (await api.post(f"{HELLO}/execute")).json()["job_id"]
    await finish_step(parts.orchestrator, job_id, "say-hello", log_lines=3)
    reads = 0
    count_lines = parts.storage.logs.count_lines

    async def count_then_store(asked: str) -> dict[tuple[str, int], int]:
        nonlocal reads
        reads += 1
        if reads == 2:
            await parts.storage.logs.append([chunk("say-hello", 0, 3, job_id=job_id)])
        return await count_lines(asked)

    parts.storage.logs.count_lines = count_then_store  # type: ignore[method-assign, assignment]
    log = (await api.get(f"/api/jobs/{job_id}/steps/say-hello/logs")).json()["logs"]
    assert texts(log, "say-hello") == ["line 0", "line 1", "line 2"]


async def test_workers_are_listed_and_shown_with_their_steps(api: AsyncClient, parts: Parts) -> None:
    job_id = (await api.post(f"{HELLO}/execute")).json()["job_id"]
    await finish_step(parts.orchestrator, job_id, "say-hello")
    running = (RunningStep(job_id, "say-hello", 1),)
    worker = WorkerRecord(WORKER_ID, "w1", ("script",), ("gpu",), False, 4, "0.1.0", running=running)
    await parts.storage.workers.beat(worker)
    page = (await api.get("/api/workers")).json()
    shown = {"worker_id": WORKER_ID, "name": "w1", "status": "active", "capabilities": ["script"], "tags": ["gpu"]}
    assert (page["items"][0].items() >= shown.items(), page["total"]) == (True, 1)
    detail = (await api.get(f"/api/workers/{WORKER_ID}")).json()
    (step,) = detail["steps"]["items"]
    ran = {"job_id": job_id, "workspace": "default", "task_name": "hello-world", "job_status": "completed"}
    assert step.items() >= {**ran, "step_name": "say-hello", "action_type": "script", "error_message": None}.items()
    assert detail["steps"]["total"] == 1


async def test_config_health_and_metrics_answer(api: AsyncClient) -> None:
    config = (await api.get("/api/config")).json()
    assert config.items() >= {"auth_required": False, "acl_enabled": False, "oidc_providers": []}.items()
    health = await api.get("/healthz")
    assert (health.status_code, health.json()["status"], health.json()["db"]) == (200, "ok", "ok")
    await api.get("/api/jobs/not-a-uuid")
    metrics = (await api.get("/metrics")).text
    assert 'headrace_http_requests_total{method="GET",route="/api/jobs/{job_id}",status="400"}' in metrics


async def test_health_is_bad_without_the_broker(api: AsyncClient, parts: Parts) -> None:
    parts.broker.go_down()  # type: ignore[attr-defined]  # the memory broker
    health = await api.get("/healthz")
    assert (health.status_code, health.json()["status"], health.json()["broker"]) == (503, "unhealthy", "error")
    assert health.headers["content-type"] == "application/json"


async def test_a_new_workspace_is_seen_soon(api: AsyncClient, parts: Parts) -> None:
    assert (await api.get("/api/workspaces/later/tasks")).status_code == 404
    await seed_workspace(parts.storage, "later")

    async def is_seen() -> bool:
        return (await api.get("/api/workspaces/later/tasks")).status_code == 200

    await eventually(is_seen)
