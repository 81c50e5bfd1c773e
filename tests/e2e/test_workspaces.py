"""Stories of workspaces that change, and of files with mistakes."""

from datetime import timedelta
from pathlib import Path

from services.cli.client import ApiClient
from tests.support.eventually import eventually

LATER_WITHIN = 30.0


async def test_a_bad_file_is_a_warning_and_only_its_tasks_refuse_to_run(api: ApiClient) -> None:
    (workspace,) = [one for one in await api.get("/api/workspaces") if one["name"] == "stories"]
    circle = [text for text in workspace["warnings"] if "broken.yaml:4" in text and "a" in text]
    assert circle
    refused = await api._http.post("/api/workspaces/stories/tasks/circle/execute", json={})
    assert refused.status_code == 400
    assert "cycle" in refused.json()["error"]
    lost = await api._http.post("/api/workspaces/stories/tasks/lost-action/execute", json={})
    assert (lost.status_code, "nowhere" in lost.json()["error"]) == (400, True)
    assert await api.execute("stories", "ticks", {})


async def test_a_changed_file_becomes_a_new_revision_and_running_jobs_keep_theirs(
    api: ApiClient, stories: Path, tmp_path: Path
) -> None:
    job_id = await api.execute("stories", "chain", {"trace": str(tmp_path / "trace"), "seconds": 1})
    before = (await api.get(f"/api/jobs/{job_id}"))["revision"]
    added = stories / ".workflows" / "added.yaml"
    added.write_text("tasks:\n  added:\n    flow:\n      say: { type: script, script: 'echo added' }\n")

    async def is_known() -> bool:
        return any(task["id"] == "added" for task in await api.get("/api/workspaces/stories/tasks"))

    await eventually(is_known, within=timedelta(seconds=LATER_WITHIN))
    new_id = await api.execute("stories", "added", {})
    new = await api.wait_for_end(new_id, within_seconds=LATER_WITHIN)
    old = await api.wait_for_end(job_id, within_seconds=LATER_WITHIN)
    assert (new["status"], old["status"]) == ("completed", "completed")
    assert old["revision"] == before != new["revision"]


async def test_wrong_requests_name_what_is_wrong(api: ApiClient) -> None:
    async def refused(method: str, path: str, **rest: object) -> tuple[int, str]:
        answer = await api._http.request(method, path, **rest)  # type: ignore[arg-type]
        return answer.status_code, answer.json()["error"]

    execute = "/api/workspaces/stories/tasks/speaker/execute"
    unknown_job = "/api/jobs/01890000-0000-7000-8000-000000000000"
    answers = {
        "workspace": await refused("GET", "/api/workspaces/nowhere/tasks"),
        "task": await refused("POST", "/api/workspaces/stories/tasks/nothing/execute", json={}),
        "missing": await refused("POST", execute, json={"input": {}}),
        "mistyped": await refused("POST", execute, json={"input": {"how": ["a"]}}),
        "job": await refused("GET", unknown_job),
        "uuid": await refused("GET", "/api/jobs/not-a-uuid"),
        "json": await refused("POST", execute, content=b"{", headers={"Content-Type": "application/json"}),
        "paging": await refused("GET", "/api/jobs?limit=many"),
    }
    not_found = {name for name, (code, _) in answers.items() if code == 404}
    assert not_found == {"workspace", "task", "job"}
    assert {code for name, (code, _) in answers.items() if name not in not_found} == {400}
    assert "nowhere" in answers["workspace"][1]
    assert "how" in answers["missing"][1]
    assert "required" in answers["missing"][1]
    assert "how" in answers["mistyped"][1]
