"""What every workspace store does."""

import asyncio
import os

from shared.storage.ports import Storage
from shared.storage.records import RevisionRecord, WorkspaceRecord
from tests.support.storages import NOON

RECORD = RevisionRecord("demo", "r1", {"tasks": {"a.b": {"$x": [1, None, 2**70]}}, "": "é"}, ({"message": "odd"},))


async def test_a_revision_and_its_files_come_back(storage: Storage) -> None:
    await storage.workspaces.put_revision(RECORD, b"files")
    assert await storage.workspaces.load_revision("demo", "r1") == RECORD
    assert await storage.workspaces.load_archive("demo", "r1") == b"files"


async def test_what_was_never_put_is_none(storage: Storage) -> None:
    assert await storage.workspaces.load_revision("demo", "r9") is None
    assert await storage.workspaces.load_archive("demo", "r9") is None
    assert await storage.workspaces.load_workspace("demo") is None


async def test_an_archive_of_many_parts_comes_back_whole(storage: Storage) -> None:
    archive = os.urandom(9_500_000)
    await storage.workspaces.put_revision(RECORD, archive)
    assert await storage.workspaces.load_archive("demo", "r1") == archive


async def test_no_files_at_all_are_fine(storage: Storage) -> None:
    await storage.workspaces.put_revision(RECORD, b"")
    assert await storage.workspaces.load_archive("demo", "r1") == b""


async def test_a_revision_never_changes(storage: Storage) -> None:
    await storage.workspaces.put_revision(RECORD, b"first")
    await storage.workspaces.put_revision(RevisionRecord("demo", "r1", {}), b"second")
    assert await storage.workspaces.load_revision("demo", "r1") == RECORD
    assert await storage.workspaces.load_archive("demo", "r1") == b"first"


async def test_two_who_put_a_revision_at_once_leave_one_of_them_whole(storage: Storage) -> None:
    archives = [bytes([number]) * 5_000_000 for number in range(3)]
    await asyncio.gather(*(storage.workspaces.put_revision(RECORD, archive) for archive in archives))
    assert await storage.workspaces.load_archive("demo", "r1") in archives


async def test_workspaces_share_nothing_but_a_revisions_name(storage: Storage) -> None:
    await storage.workspaces.put_revision(RECORD, b"demo")
    await storage.workspaces.put_revision(RevisionRecord("other", "r1", {}), b"other")
    assert await storage.workspaces.load_archive("demo", "r1") == b"demo"
    assert await storage.workspaces.load_archive("other", "r1") == b"other"


async def test_the_current_state_of_a_workspace_is_the_last_one_set(storage: Storage) -> None:
    first = WorkspaceRecord("demo", "r1", None, NOON)
    second = WorkspaceRecord("demo", "r1", "bad YAML", NOON)
    for record in (first, second, second):
        await storage.workspaces.set_current(record)
        assert await storage.workspaces.load_workspace("demo") == record


async def test_the_time_of_a_refresh_stays_until_the_next_one(storage: Storage) -> None:
    await storage.workspaces.set_current(WorkspaceRecord("demo", "r1", None, NOON, refreshed_at=NOON))
    await storage.workspaces.set_current(WorkspaceRecord("demo", "r2", None, NOON))
    found = await storage.workspaces.load_workspace("demo")
    assert found is not None
    assert (found.revision, found.refreshed_at) == ("r2", NOON)


async def test_workspaces_are_listed_by_name(storage: Storage) -> None:
    records = {name: WorkspaceRecord(name, None, "new") for name in ("b", "a", "c")}
    for record in records.values():
        await storage.workspaces.set_current(record)
    assert await storage.workspaces.list_workspaces() == [records["a"], records["b"], records["c"]]


async def test_workspaces_that_are_not_named_are_forgotten(storage: Storage) -> None:
    await storage.workspaces.put_revision(RECORD, b"files")
    for name in ("demo", "other", "third"):
        await storage.workspaces.set_current(WorkspaceRecord(name, "r1"))
    for _ in range(2):
        await storage.workspaces.remove_others(["other", "unknown"])
        assert [record.name for record in await storage.workspaces.list_workspaces()] == ["other"]
    assert await storage.workspaces.load_revision("demo", "r1") == RECORD
