"""Artifacts over HTTP."""

from dataclasses import replace
from datetime import UTC, datetime

from httpx import AsyncClient

from services.api.parts import Parts
from services.api.use_cases.read_artifacts import headers_of
from shared.storage.artifact_records import ArtifactRecord
from tests.unit.api.seed import finish_step

MADE_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def a_job(parts: Parts, api: AsyncClient) -> str:
    """A job whose only step has completed."""
    job_id = str((await api.post("/api/workspaces/default/tasks/hello-world/execute")).json()["job_id"])
    await finish_step(parts.orchestrator, job_id, "say-hello")
    return job_id


async def put(parts: Parts, job_id: str, name: str, kind: str = "text/plain", content: bytes = b"abc") -> None:
    record = ArtifactRecord(job_id, name, "say-hello", 1, f"{job_id}{name}", kind, len(content), MADE_AT)
    if content:
        await parts.storage.artifacts.put_part(record.content, 0, content)
    await parts.storage.artifacts.put(record)


async def test_they_are_listed_with_where_to_get_them(parts: Parts, api: AsyncClient) -> None:
    job_id = await a_job(parts, api)
    await put(parts, job_id, "out/a b.txt")
    (row,) = (await api.get(f"/api/jobs/{job_id}/artifacts")).json()
    assert row == {
        "name": "out/a b.txt",
        "content_type": "text/plain",
        "size_bytes": 3,
        "step_name": "say-hello",
        "created_at": "2026-03-01T12:00:00Z",
        "url": f"/api/jobs/{job_id}/artifacts/out%2Fa%20b.txt",
    }
    assert (await api.get(row["url"])).content == b"abc"


async def test_a_text_is_shown_and_a_page_is_saved(parts: Parts, api: AsyncClient) -> None:
    job_id = await a_job(parts, api)
    await put(parts, job_id, "a.txt")
    await put(parts, job_id, "page.html", "text/html", b"<script>")
    await put(parts, job_id, "picture.svg", "image/svg+xml", b"<svg>")
    shown = await api.get(f"/api/jobs/{job_id}/artifacts/a.txt")
    assert dict(shown.headers) == {
        "content-type": "text/plain",
        "content-length": "3",
        "x-content-type-options": "nosniff",
        "content-disposition": "inline; filename=\"a.txt\"; filename*=UTF-8''a.txt",
        "cache-control": "private, max-age=0, must-revalidate",
    }
    for name in ("page.html", "picture.svg"):
        saved = await api.get(f"/api/jobs/{job_id}/artifacts/{name}")
        assert saved.headers["content-disposition"].startswith("attachment; ")


async def test_a_name_with_quotes_is_written_so_that_browsers_read_it(parts: Parts, api: AsyncClient) -> None:
    job_id = await a_job(parts, api)
    await put(parts, job_id, 'ü"x')
    answer = await api.get(f"/api/jobs/{job_id}/artifacts/%C3%BC%22x")
    assert answer.headers["content-disposition"] == "inline; filename=\"__x\"; filename*=UTF-8''%C3%BC%22x"


def test_no_name_can_add_a_header() -> None:
    record = ArtifactRecord("job", "a\r\nX: 1", "s", 1, "c", "text/plain", 3, MADE_AT)
    told = headers_of(record)["Content-Disposition"]
    assert told == "inline; filename=\"a__X: 1\"; filename*=UTF-8''a%0D%0AX%3A%201"


async def test_an_empty_file_is_a_file(parts: Parts, api: AsyncClient) -> None:
    job_id = await a_job(parts, api)
    await put(parts, job_id, "empty", content=b"")
    answer = await api.get(f"/api/jobs/{job_id}/artifacts/empty")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")


async def test_what_an_attempt_left_that_did_not_count_is_not_seen(parts: Parts, api: AsyncClient) -> None:
    job_id = await a_job(parts, api)
    await put(parts, job_id, "a.txt")
    record = await parts.storage.artifacts.load(job_id, "a.txt")
    assert record is not None
    await parts.storage.artifacts.put(replace(record, attempt=2, content="late"))
    assert (await api.get(f"/api/jobs/{job_id}/artifacts")).json() == []
    assert (await api.get(f"/api/jobs/{job_id}/artifacts/a.txt")).status_code == 404


async def test_wrong_requests_are_refused(parts: Parts, api: AsyncClient) -> None:
    job_id = await a_job(parts, api)
    unknown = "01890000-0000-7000-8000-000000000000"
    asked = {
        f"/api/jobs/{job_id}/artifacts/nothing": 404,
        f"/api/jobs/{unknown}/artifacts": 404,
        f"/api/jobs/{unknown}/artifacts/a": 404,
        "/api/jobs/no-id/artifacts": 400,
        f"/api/jobs/{job_id}/artifacts/{'x' * 256}": 400,
    }
    assert {path: (await api.get(path)).status_code for path in asked} == asked
