"""Stories of a workspace that uses a library."""

from services.cli.client import ApiClient

ENDED_WITHIN = 30.0


async def test_a_step_runs_a_library_s_script_and_a_library_s_task_can_be_started(api: ApiClient) -> None:
    using = await api.execute("stories", "uses-library", {"whom": "you"})
    of_library = await api.execute("stories", "tools.greet-twice", {"whom": "all"})
    for job_id, told in ((using, "hello you from the library"), (of_library, "hello all from the library")):
        job = await api.wait_for_end(job_id, within_seconds=ENDED_WITHIN)
        assert job["status"] == "completed"
        assert told in (await api.get(f"/api/jobs/{job_id}/logs"))["logs"]
