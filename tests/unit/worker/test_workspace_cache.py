"""How steps get their copy of a workspace."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.worker.cache_folder import CacheFolder
from services.worker.runners.runner import CannotRun
from services.worker.workspace_cache import WorkspaceCache
from shared.definition.archive import pack_folder
from shared.storage.memory import MemoryStorage
from shared.storage.records import RevisionRecord
from tests.support.eventually import eventually


@pytest.fixture
async def storage(tmp_path: Path) -> MemoryStorage:
    storage = MemoryStorage()
    files = tmp_path / "files"
    (files / "sub").mkdir(parents=True)
    (files / "sub" / "run.sh").write_text("echo")
    (files / "sub" / "run.sh").chmod(0o755)
    for revision in ("r1", "r2", "r3"):
        await storage.workspaces.put_revision(RevisionRecord("demo", revision, {}), pack_folder(files))
    await storage.workspaces.put_revision(RevisionRecord("demo", "damaged", {}), b"not an archive")
    return storage


@asynccontextmanager
async def open_cache(
    storage: MemoryStorage, root: Path, *, keep: int = 2, spares: int = 2
) -> AsyncIterator[WorkspaceCache]:
    async with WorkspaceCache(storage.workspaces, CacheFolder(root, "worker-1"), keep=keep, spares=spares) as cache:
        yield cache


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_each_check_out_is_a_fresh_copy(storage: MemoryStorage, tmp_path: Path) -> None:
    async with open_cache(storage, tmp_path / "cache") as cache:
        for _ in range(5):
            folder = await cache.check_out("demo", "r1")
            script = folder / "workspace" / "sub" / "run.sh"
            assert script.read_text() == "echo"
            assert os.access(script, os.X_OK)
            script.write_text("spoiled")
            cache.discard(folder)


async def test_copies_wait_ready_for_the_next_step(storage: MemoryStorage, tmp_path: Path) -> None:
    copies = tmp_path / "cache" / "worker-1" / "copies"
    async with open_cache(storage, tmp_path / "cache") as cache:
        folder = await cache.check_out("demo", "r1")
        await eventually(lambda: len(names(copies)) == 3)
        cache.discard(folder)
        await eventually(lambda: len(names(copies)) == 2 and not folder.exists())


async def test_the_revisions_used_longest_ago_are_dropped(storage: MemoryStorage, tmp_path: Path) -> None:
    own = tmp_path / "cache" / "worker-1"
    async with open_cache(storage, tmp_path / "cache", spares=1) as cache:
        for revision in ("r1", "r2", "r3", "r1", "r2"):
            cache.discard(await cache.check_out("demo", revision))
        await eventually(lambda: len(names(own / "revisions")) == 2 and len(names(own / "copies")) == 2)


@pytest.mark.parametrize(("revision", "told"), [("none", "are not in the store"), ("damaged", "archive is damaged")])
async def test_files_that_can_not_be_had_are_told(
    revision: str, told: str, storage: MemoryStorage, tmp_path: Path
) -> None:
    async with open_cache(storage, tmp_path / "cache") as cache:
        with pytest.raises(CannotRun, match=told):
            await cache.check_out("demo", revision)
        assert (await cache.check_out("demo", "r1")).is_dir()


async def test_nothing_stays_behind_and_what_dead_processes_left_is_removed(
    storage: MemoryStorage, tmp_path: Path
) -> None:
    root = tmp_path / "cache"
    dead, alive = CacheFolder(root, "dead"), CacheFolder(root, "alive")
    dead.open()
    alive.open()
    os.close(dead._lock or 0)
    async with open_cache(storage, root):
        assert sorted(names(root)) == ["alive", "worker-1"]
    assert names(root) == ["alive"]
    alive.close()


async def test_what_a_step_made_unreadable_is_removed_too(storage: MemoryStorage, tmp_path: Path) -> None:
    async with open_cache(storage, tmp_path / "cache") as cache:
        folder = await cache.check_out("demo", "r1")
        inner = folder / "workspace" / "a" / "b"
        inner.mkdir(parents=True)
        (inner / "file").write_text("x")
        inner.chmod(0)
        inner.parent.chmod(0)
        cache.discard(folder)
        await eventually(lambda: not folder.exists())
