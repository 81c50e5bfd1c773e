"""States brought from outside, and shown."""

import gzip
import io
import random
import tarfile
from collections.abc import Mapping
from typing import Any

import pytest
from httpx import AsyncClient

from services.api.parts import Parts
from shared.storage.records import StateScope
from shared.storage.state_archive import LARGEST_ARCHIVE_BYTES, StateFile, pack_files, read_files

TASK = "/api/workspaces/default/tasks/hello-world/state"
SHARED = "/api/workspaces/default/state"


def packed(files: Mapping[str, bytes]) -> bytes:
    """The files as an upload."""
    return pack_files({path: StateFile(content) for path, content in files.items()})


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """An archive of one entry, which need not be a good one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        made = tarfile.TarInfo(name)
        made.type, made.linkname = kind, link
        archive.addfile(made, io.BytesIO())
    return buffer.getvalue()


async def upload(api: AsyncClient, path: str, body: bytes = b"", **query: str) -> dict[str, Any]:
    answer = await api.post(path, params=query, content=body)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    assert set(told) == {"snapshot_id", "job_id"}
    return told


async def show(api: AsyncClient, path: str) -> tuple[Any, Any]:
    told = (await api.get(path)).json()
    return told["state"], told["files"]


@pytest.mark.parametrize("path", [TASK, SHARED])
async def test_an_upload_is_the_latest_state(api: AsyncClient, path: str) -> None:
    assert (await api.get(path)).json()["snapshot_id"] is None
    told = await upload(api, path, packed({"a/b.txt": b"hello"}), cursor="7")
    shown = (await api.get(path)).json()
    assert (shown["snapshot_id"], shown["job_id"], shown["step"]) == (told["snapshot_id"], told["job_id"], None)
    assert (shown["state"], shown["files"]) == ({"cursor": "7"}, {"a/b.txt": 5})


async def test_an_upload_replaces_or_merges(api: AsyncClient) -> None:
    await upload(api, TASK, packed({"one": b"1", "two": b"2"}), a="1", b="1")
    await upload(api, TASK, packed({"two": b"22", "three": b"333"}), mode="merge", b="2")
    assert await show(api, TASK) == ({"a": "1", "b": "2"}, {"one": 1, "three": 3, "two": 2})
    await upload(api, TASK, mode="merge", c="3")
    assert await show(api, TASK) == ({"a": "1", "b": "2", "c": "3"}, {"one": 1, "three": 3, "two": 2})
    await upload(api, TASK, mode="replace", c="4")
    assert await show(api, TASK) == ({"c": "4"}, {})


async def test_merged_files_are_whole(api: AsyncClient, parts: Parts) -> None:
    await upload(api, TASK, packed({"one": b"1"}))
    await upload(api, TASK, packed({"two": b"2"}), mode="merge")
    found = await parts.storage.snapshots.latest(StateScope("default", "hello-world"))
    assert found is not None
    archive = await parts.storage.snapshots.load_archive(found)
    assert read_files(archive or b"") == {"one": StateFile(b"1"), "two": StateFile(b"2")}


@pytest.mark.parametrize(("path", "task"), [(TASK, "hello-world"), (SHARED, "_global_state")])
async def test_a_completed_job_stands_for_an_upload(api: AsyncClient, path: str, task: str) -> None:
    told = await upload(api, path, cursor="7")
    job = (await api.get(f"/api/jobs/{told['job_id']}")).json()
    assert (job["status"], job["source_type"], job["task_name"], job["steps"]) == ("completed", "upload", task, [])
    assert job["output"] == {"snapshot_id": told["snapshot_id"]}
    listed = (await api.get("/api/jobs", params={"source_type": "upload"})).json()
    assert [one["job_id"] for one in listed["items"]] == [told["job_id"]]


async def test_the_newest_five_snapshots_are_kept_and_listed(api: AsyncClient) -> None:
    told = [await upload(api, TASK, n=str(number)) for number in range(7)]
    listed = (await api.get(f"{TASK}/snapshots")).json()
    assert [one["snapshot_id"] for one in listed] == [one["snapshot_id"] for one in reversed(told[2:])]
    assert [one["number"] for one in listed] == [7, 6, 5, 4, 3]
    assert (await api.get(f"{SHARED}/snapshots")).json() == []


@pytest.mark.parametrize(
    "body",
    [
        packed({"state.json": b"{}"}),
        b"not gzip",
        gzip.compress(b"not tar" * 200),
        packed({"a": b"1" * 9999})[:-20],
        entry("../out"),
        entry("/etc/passwd"),
        entry("a/../../out"),
        entry("link", tarfile.SYMTYPE, "/etc/passwd"),
        entry("hard", tarfile.LNKTYPE, "a"),
        entry("pipe", tarfile.FIFOTYPE),
        entry("./state.json"),
        entry("x" * 300),
        entry("a\\b"),
    ],
    ids=lambda _: "",
)
async def test_an_archive_that_is_no_plain_one_is_refused(api: AsyncClient, body: bytes) -> None:
    answer = await api.post(TASK, content=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]
    assert (await api.get(f"{TASK}/snapshots")).json() == []


async def test_an_unknown_mode_is_refused(api: AsyncClient) -> None:
    answer = await api.post(TASK, params={"mode": "append"})
    assert answer.status_code == 400
    assert "mode" in answer.json()["error"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/api/workspaces/nowhere/state", "/api/workspaces/default/tasks/nothing/state"])
async def test_what_is_not_there_has_no_state(api: AsyncClient, method: str, path: str) -> None:
    assert (await api.request(method, path)).status_code == 404


async def test_fifty_megabytes_and_no_more_are_read(api: AsyncClient) -> None:
    answer = await api.post(TASK, content=b"x" * (LARGEST_ARCHIVE_BYTES + 1))
    assert answer.status_code == 413


async def test_an_archive_above_the_limit_of_other_bodies_is_kept(api: AsyncClient) -> None:
    content = random.Random(1).randbytes(3_000_000)  # noqa: S311 - bytes that do not pack
    await upload(api, TASK, packed({"big": content}))
    assert (await show(api, TASK))[1] == {"big": 3_000_000}


async def test_a_merge_that_grows_too_large_is_refused(api: AsyncClient) -> None:
    half = random.Random(2).randbytes(LARGEST_ARCHIVE_BYTES * 2 // 3)  # noqa: S311
    await upload(api, TASK, packed({"one": half}))
    answer = await api.post(TASK, params={"mode": "merge"}, content=packed({"two": half}))
    assert answer.status_code == 413


async def test_a_small_archive_of_endless_zeros_is_refused(api: AsyncClient) -> None:
    made = tarfile.TarInfo("zeros")
    made.size = 300 * 2**20
    answer = await api.post(TASK, content=gzip.compress(made.tobuf() + bytes(2**20)))
    assert answer.status_code == 413
