"""What every snapshot store does."""

import asyncio
import os
from dataclasses import replace
from typing import Any

from shared.storage.ports import Storage
from shared.storage.records import SnapshotRecord, StateScope
from tests.support.storages import NOON

TASK = StateScope("demo", "count")


def a_snapshot(number: int = 1, **fields: Any) -> SnapshotRecord:
    """A snapshot of the task's state."""
    defaults: dict[str, Any] = {
        "id": f"snapshot-{number}",
        "scope": TASK,
        "number": number,
        "state": {"a.b": {"$x": [1, None, 2**70]}, "": "é"},
        "files": {"notes/a.txt": 5},
        "archive_bytes": 5,
        "job_id": "job-1",
        "step": "one",
        "created_at": NOON,
    }
    return SnapshotRecord(**defaults | fields)


async def test_a_snapshot_and_its_files_come_back(storage: Storage) -> None:
    assert await storage.snapshots.put(a_snapshot(), b"files", keep=5)
    assert await storage.snapshots.latest(TASK) == a_snapshot()
    assert await storage.snapshots.load_archive(a_snapshot()) == b"files"


async def test_without_a_snapshot_there_is_none(storage: Storage) -> None:
    assert await storage.snapshots.latest(TASK) is None
    assert await storage.snapshots.list_snapshots(TASK) == []
    assert await storage.snapshots.load_archive(a_snapshot()) is None


async def test_a_large_archive_comes_back_whole(storage: Storage) -> None:
    archive = os.urandom(9_500_000)
    record = a_snapshot(archive_bytes=len(archive))
    assert await storage.snapshots.put(record, archive, keep=5)
    assert await storage.snapshots.load_archive(record) == archive


async def test_the_highest_number_is_the_latest_however_late_it_was_written(storage: Storage) -> None:
    for number in (2, 1):
        assert await storage.snapshots.put(a_snapshot(number), b"", keep=5)
    assert await storage.snapshots.latest(TASK) == a_snapshot(2)
    assert await storage.snapshots.list_snapshots(TASK) == [a_snapshot(2), a_snapshot(1)]


async def test_a_number_is_given_once_and_the_first_stays_whole(storage: Storage) -> None:
    assert await storage.snapshots.put(a_snapshot(archive_bytes=2_000_000), b"1" * 2_000_000, keep=5)
    other = a_snapshot(id="other", archive_bytes=3_000_000)
    assert not await storage.snapshots.put(other, b"2" * 3_000_000, keep=5)
    kept = await storage.snapshots.latest(TASK)
    assert kept == a_snapshot(archive_bytes=2_000_000)
    assert await storage.snapshots.load_archive(kept) == b"1" * 2_000_000
    assert await storage.snapshots.load_archive(other) is None


async def test_putting_a_snapshot_again_changes_nothing(storage: Storage) -> None:
    for _ in range(2):
        assert await storage.snapshots.put(a_snapshot(), b"files", keep=5)
    assert await storage.snapshots.list_snapshots(TASK) == [a_snapshot()]


async def test_of_those_who_take_a_number_at_once_one_gets_it(storage: Storage) -> None:
    rivals = [a_snapshot(id=f"rival-{number}") for number in range(4)]
    answers = await asyncio.gather(*(storage.snapshots.put(one, one.id.encode(), keep=5) for one in rivals))
    assert sorted(answers) == [False, False, False, True]
    winner = rivals[answers.index(True)]
    assert await storage.snapshots.load_archive(winner) == winner.id.encode()


async def test_only_the_newest_are_kept_each_with_its_own_files(storage: Storage) -> None:
    same = b"same" * 500_000
    for number in range(1, 9):
        record = a_snapshot(number, job_id="one and the same", archive_bytes=len(same))
        assert await storage.snapshots.put(record, same, keep=5)
    kept = await storage.snapshots.list_snapshots(TASK)
    assert [one.number for one in kept] == [8, 7, 6, 5, 4]
    assert [await storage.snapshots.load_archive(one) for one in kept] == [same] * 5
    assert await storage.snapshots.load_archive(replace(kept[0], id="snapshot-3", number=3)) is None


async def test_tasks_and_their_workspace_have_states_of_their_own(storage: Storage) -> None:
    scopes = [TASK, StateScope("demo"), StateScope("demo", "other"), StateScope("other", "count")]
    for scope in scopes:
        record = a_snapshot(scope=scope, id=f"of {scope}")
        assert await storage.snapshots.put(record, str(scope).encode(), keep=1)
    for scope in scopes:
        found = await storage.snapshots.latest(scope)
        assert found is not None
        assert found.scope == scope
        assert await storage.snapshots.load_archive(found) == str(scope).encode()
