"""Stories of files that steps leave behind."""

from urllib.parse import quote

from services.cli.client import ApiClient

ENDED_WITHIN = 30.0


async def test_a_step_s_files_can_be_downloaded_from_any_api_and_a_failed_step_leaves_none(
    api: ApiClient, other_api: ApiClient
) -> None:
    job_id = await api.execute("stories", "leaves-files", {})
    job = await api.wait_for_end(job_id, within_seconds=ENDED_WITHIN)
    assert job["status"] == "completed"
    rows = {row["name"]: row for row in await api.get(f"/api/jobs/{job_id}/artifacts")}
    assert {name: row["content_type"] for name, row in rows.items()} == {
        "big.bin": "application/octet-stream",
        "out/report.html": "text/html",
        "status.txt": "text/plain",
    }
    assert rows["out/report.html"]["url"] == f"/api/jobs/{job_id}/artifacts/{quote('out/report.html', safe='')}"
    status = await other_api._http.get(rows["status.txt"]["url"])
    assert (status.text, status.headers["content-disposition"].partition(";")[0]) == ("second\n", "inline")
    page = await other_api._http.get(rows["out/report.html"]["url"])
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["content-disposition"].startswith("attachment")
    big = await other_api._http.get(rows["big.bin"]["url"])
    assert (len(big.content), big.headers["content-length"]) == (5_000_000, "5000000")


async def test_a_file_that_can_not_be_kept_fails_its_step(api: ApiClient) -> None:
    job_id = await api.execute("stories", "leaves-a-bad-name", {})
    job = await api.wait_for_end(job_id, within_seconds=ENDED_WITHIN)
    assert job["status"] == "failed"
    assert "begins with '-'" in job["steps"][0]["error_message"]
    assert await api.get(f"/api/jobs/{job_id}/artifacts") == []
