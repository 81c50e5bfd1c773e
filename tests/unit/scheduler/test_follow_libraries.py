"""Workspaces follow the libraries that they import from."""

from pathlib import Path

import pytest

from services.scheduler.follow_libraries import FollowLibraries
from services.scheduler.source import FolderFiles
from services.scheduler.sync_workspaces import SyncWorkspaces
from shared.orchestration.catalog import Catalog
from shared.storage.records import WorkspaceRecord
from tests.unit.orchestration.world import World, a_world

LIBRARY = "actions: {{ say: {{ type: script, script: 'echo {word}' }} }}\n"


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """`files` is a workspace that uses the library in `lib`."""
    for name in ("files", "lib"):
        (tmp_path / name).mkdir()
    (tmp_path / "files" / "use.yaml").write_text("tasks: { t: { flow: { s: { action: lib.say } } } }\n")
    (tmp_path / "lib" / "say.yaml").write_text(LIBRARY.format(word="one"))
    return tmp_path


def _sync(world: World, folders: Path) -> SyncWorkspaces:
    catalog = Catalog(world.storage.workspaces, clock=world.clock)
    libraries = FollowLibraries({"lib": FolderFiles(folders / "lib")})
    sources = {"files": FolderFiles(folders / "files")}
    return SyncWorkspaces(world.storage.workspaces, world.broker, catalog, world.clock, sources, libraries)


async def _current(world: World) -> WorkspaceRecord:
    found = await world.storage.workspaces.load_workspace("files")
    assert found is not None
    return found


async def test_a_changed_library_makes_a_new_revision_of_the_workspace(folders: Path) -> None:
    world = await a_world()
    sync = _sync(world, folders)
    await sync.look()
    first = await _current(world)
    await sync.look()
    assert await _current(world) == first
    (folders / "lib" / "say.yaml").write_text(LIBRARY.format(word="another"))
    await sync.look()
    second = await _current(world)
    assert second.revision != first.revision
    record = await world.storage.workspaces.load_revision("files", second.revision or "")
    assert record is not None
    assert record.definition["actions"]["lib.say"]["script"] == "echo another"


async def test_a_library_that_vanishes_is_named_and_the_last_revision_stays(folders: Path) -> None:
    world = await a_world()
    sync = _sync(world, folders)
    await sync.look()
    good = await _current(world)
    away = (folders / "lib").rename(folders / "away")
    await sync.look()
    bad = await _current(world)
    assert bad.revision == good.revision
    assert (bad.error or "").startswith("the library 'lib' can't be loaded: ")
    away.rename(folders / "lib")
    await sync.look()
    assert await _current(world) == WorkspaceRecord("files", good.revision, None, (await _current(world)).loaded_at)
