"""What every store of artifacts does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import NotFound
from shared.storage.artifact_records import PART_BYTES, ArtifactRecord
from shared.storage.ports import Storage
from tests.support.storages import NOON

ONE = ArtifactRecord("job-1", "dir/report.txt", "build", 1, "content-1", "text/plain", 5, NOON)


async def test_an_artifact_comes_back_as_it_was_put(storage: Storage) -> None:
    assert await storage.artifacts.put(ONE) is None
    assert await storage.artifacts.load("job-1", "dir/report.txt") == ONE
    assert await storage.artifacts.load("job-1", "report.txt") is None
    assert await storage.artifacts.load("job-2", "dir/report.txt") is None


async def test_they_are_listed_by_name_and_only_the_job_s(storage: Storage) -> None:
    names = ["b", "a/z", "a", "Ä", "é/..x", "$x.y"]
    for name in names:
        await storage.artifacts.put(replace(ONE, name=name))
    for other in ("job-10", "job-0", "job"):
        await storage.artifacts.put(replace(ONE, job_id=other))
    found = [record.name for record in await storage.artifacts.list_of("job-1")]
    assert found == sorted(names, key=str.encode)


async def test_the_last_writer_of_a_name_wins_and_the_loser_is_answered(storage: Storage) -> None:
    await storage.artifacts.put(ONE)
    later = replace(ONE, step="other", content="content-2", size_bytes=7, created_at=NOON + timedelta(seconds=1))
    assert await storage.artifacts.put(later) == ONE
    assert await storage.artifacts.load("job-1", ONE.name) == later


async def test_an_earlier_attempt_of_the_same_step_comes_too_late(storage: Storage) -> None:
    second = replace(ONE, attempt=2, content="content-2")
    assert await storage.artifacts.put(second) is None
    assert await storage.artifacts.put(ONE) == ONE
    assert await storage.artifacts.load("job-1", ONE.name) == second


async def test_putting_it_twice_is_putting_it_once(storage: Storage) -> None:
    await storage.artifacts.put(ONE)
    assert await storage.artifacts.put(ONE) is None
    assert await storage.artifacts.list_of("job-1") == [ONE]


async def test_parts_come_back_until_they_are_removed(storage: Storage) -> None:
    big = replace(ONE, size_bytes=PART_BYTES + 1)
    assert big.part_count == 2
    await storage.artifacts.put_part(big.content, 0, b"first")
    await storage.artifacts.put_part(big.content, 1, b"second")
    await storage.artifacts.put_part(big.content, 0, b"first")
    assert [await storage.artifacts.load_part(big.content, index) for index in (0, 1)] == [b"first", b"second"]
    for _ in range(2):
        await storage.artifacts.remove_parts([big])
    with pytest.raises(NotFound, match="replaced"):
        await storage.artifacts.load_part(big.content, 0)


async def test_an_empty_file_has_no_parts(storage: Storage) -> None:
    empty = replace(ONE, size_bytes=0)
    assert empty.part_count == 0
    await storage.artifacts.remove_parts([empty])
    assert await storage.artifacts.put(empty) is None
