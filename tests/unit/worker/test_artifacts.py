"""What a worker keeps of the files that a step left."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.worker import find_artifacts as limits
from services.worker.artifacts import Artifacts
from services.worker.content_type import find_content_type
from services.worker.find_artifacts import ArtifactsRefused, find_artifacts
from services.worker.runners.runner import StepResult
from shared.engine.states import Outcome
from shared.errors import StoreUnavailable
from shared.messages.wire import RunStepMessage
from shared.runtime.clock import SystemClock
from shared.storage import artifact_records
from shared.storage.artifact_records import ArtifactRecord
from shared.storage.memory_artifacts import MemoryArtifacts

DONE = StepResult(Outcome.COMPLETED, output={"n": 1}, exit_code=0)
STEP = RunStepMessage(
    id="m",
    occurred_at=datetime(2030, 1, 1, tzinfo=UTC),
    job_id="job",
    workspace="w",
    task="t",
    revision="r",
    step="build",
    attempt=1,
    route="script",
    action_name="a",
    action_type="script",
    runner="local",
    spec={},
    input={},
)


class Away(MemoryArtifacts):
    """A store that does not answer the first `failures` calls that keep bytes."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures
        self.removed: list[str] = []

    async def put_part(self, content: str, index: int, data: bytes) -> None:
        if self.failures > 0:
            self.failures -= 1
            raise StoreUnavailable
        await super().put_part(content, index, data)

    async def remove_parts(self, records: Sequence[ArtifactRecord]) -> None:
        self.removed += [record.name for record in records]
        await super().remove_parts(records)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "artifacts"
    (made / "sub").mkdir(parents=True)
    return made


async def keep(store: MemoryArtifacts, folder: Path, result: StepResult = DONE) -> StepResult:
    return await Artifacts(store, SystemClock()).keep(STEP, folder, result)


async def content_of(store: MemoryArtifacts, name: str) -> bytes:
    record = await store.load("job", name)
    assert record is not None
    return b"".join([await store.load_part(record.content, index) for index in range(record.part_count)])


async def test_files_become_artifacts_with_their_type(folder: Path) -> None:
    (folder / "report.html").write_text("<p>")
    (folder / "sub" / "picture").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    (folder / "empty.log").touch()
    store = MemoryArtifacts()
    assert await keep(store, folder) == DONE
    kept = {record.name: (record.content_type, record.size_bytes) for record in await store.list_of("job")}
    assert kept == {
        "report.html": ("text/html", 3),
        "sub/picture": ("image/png", 12),
        "empty.log": ("text/plain", 0),
    }
    assert await content_of(store, "sub/picture") == b"\x89PNG\r\n\x1a\nrest"


async def test_large_files_travel_in_parts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_records, "PART_BYTES", 4)
    monkeypatch.setattr("services.worker.artifacts.PART_BYTES", 4)
    (folder / "x").write_bytes(b"0123456789")
    store = MemoryArtifacts()
    await keep(store, folder)
    assert [len(part) for part in store._parts.values()] == [4, 4, 2]
    assert await content_of(store, "x") == b"0123456789"


async def test_a_step_that_failed_leaves_nothing(folder: Path) -> None:
    (folder / "x").write_text("x")
    store = MemoryArtifacts()
    failed = StepResult(Outcome.FAILED, error="no", exit_code=1)
    assert await keep(store, folder, failed) == failed
    assert await store.list_of("job") == []


async def test_links_and_pipes_are_passed_over(folder: Path) -> None:
    (folder / "link").symlink_to("/etc/hostname")
    (folder / "linked").symlink_to("/etc")
    os.mkfifo(folder / "pipe")
    (folder / "real").touch()
    assert [file.name for file in find_artifacts(folder)] == ["real"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("-rf", "begins with '-'"),
        ("a..b", "has '..'"),
        ("a\nb", "can't be shown"),
        (os.fsdecode(b"\xff"), "can't be shown"),
        ("sub/" + "x" * 252, "more than 255 characters"),
    ],
)
async def test_names_that_mean_harm_fail_the_step(folder: Path, name: str, told: str) -> None:
    (folder / name).touch()
    store = MemoryArtifacts()
    result = await keep(store, folder)
    assert result.outcome is Outcome.FAILED
    assert told in (result.error or "")
    assert await store.list_of("job") == []


async def test_the_limits_of_a_file_and_of_a_job_hold(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGEST_FILE_BYTES", 5)
    monkeypatch.setattr(limits, "LARGEST_JOB_BYTES", 8)
    (folder / "x").write_text("12345")
    store = MemoryArtifacts()
    assert (await keep(store, folder)).outcome is Outcome.COMPLETED
    assert (await keep(store, folder)).outcome is Outcome.COMPLETED  # the same name: nothing is added
    (folder / "y").write_text("1234")
    result = await keep(store, folder)
    assert "together" in (result.error or "")
    (folder / "y").write_text("123456")
    with pytest.raises(ArtifactsRefused, match="'y' is larger"):
        find_artifacts(folder)


async def test_a_short_absence_of_the_store_is_waited_for(folder: Path) -> None:
    (folder / "x").write_text("x")
    store = Away(failures=1)
    assert await keep(store, folder) == DONE
    assert await content_of(store, "x") == b"x"


async def test_what_can_not_be_kept_fails_the_step_and_is_removed(folder: Path) -> None:
    (folder / "x").write_text("x")
    store = Away(failures=99)
    result = await keep(store, folder)
    assert result.outcome is Outcome.FAILED
    assert (result.error or "").startswith("The artifacts could not be kept: ")
    assert store.removed == ["x"]
    assert await store.list_of("job") == []


async def test_the_bytes_of_a_replaced_artifact_are_removed(folder: Path) -> None:
    store = MemoryArtifacts()
    for text in ("first", "second"):
        (folder / "x").write_text(text)
        await keep(store, folder)
    assert list(store._parts.values()) == [b"second"]


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.txt", b"hello", "text/plain"),
        ("a.txt", b"\xff\xd8\xff", "image/jpeg"),
        ("a", b"RIFF1234WEBP", "image/webp"),
        ("a.SVG", b"<svg>", "image/svg+xml"),
        ("a", b"<html>", "application/octet-stream"),
        ("a.yml", b"", "application/yaml"),
    ],
)
def test_the_type_comes_from_the_first_bytes_then_from_the_name(name: str, head: bytes, kind: str) -> None:
    assert find_content_type(name, head) == kind
