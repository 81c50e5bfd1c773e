"""Stories of a workspace in a git repository."""

from services.cli.client import ApiClient
from tests.support.git_repository import GitRepository

ENDED_WITHIN = 30.0


async def _shown(api: ApiClient) -> tuple[str, str]:
    """What a job of the workspace shows, and its revision."""
    job_id = await api.execute("versioned", "shown", {})
    job = await api.wait_for_end(job_id, within_seconds=ENDED_WITHIN)
    assert job["status"] == "completed"
    return (await api.get(f"/api/jobs/{job_id}/logs"))["logs"], job["revision"]


async def test_a_push_and_a_refresh_change_what_the_next_job_runs(
    api: ApiClient, other_api: ApiClient, repository: GitRepository
) -> None:
    first = repository.git("rev-parse", "HEAD")
    log, revision = await _shown(api)
    assert ("first" in log, revision.partition(".")[0]) == (True, first)
    second = repository.commit({"shown.txt": "second"})
    answer = await api._http.post("/api/workspaces/versioned/refresh", timeout=30)
    assert (answer.status_code, answer.json()["workspace"], answer.json()["refreshed"]) == (200, "versioned", True)
    assert answer.json()["revision"].partition(".")[0] == second  # what follows the dot is the libraries' part
    log, revision = await _shown(api)
    assert ("second" in log, revision) == (True, answer.json()["revision"])
    for client in (api, other_api):
        refused = await client._http.post("/api/workspaces/versioned/refresh")
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 5
    assert (await api._http.post("/api/workspaces/nowhere/refresh")).status_code == 404
