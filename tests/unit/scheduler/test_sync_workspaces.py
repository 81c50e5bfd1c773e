"""Workspace folders reach the database when they change, and only then."""

from pathlib import Path

import pytest

from services.scheduler.source import FolderFiles
from services.scheduler.sync_workspaces import SyncWorkspaces
from shared.broker.ports import Subscription
from shared.broker.topology import announcement_queue
from shared.definition.archive import unpack
from shared.errors import BrokerUnavailable
from shared.messages.wire import WorkspaceChangedMessage
from shared.orchestration.catalog import Catalog
from shared.storage.records import WorkspaceRecord
from tests.support.orchestration import chain
from tests.unit.orchestration.world import World, a_world


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with one task."""
    home = tmp_path / "files"
    home.mkdir()
    (home / "chain.yaml").write_text(chain(1))
    return home


async def _sync(world: World, **folders: Path) -> SyncWorkspaces:
    catalog = Catalog(world.storage.workspaces, clock=world.clock)
    sources = {name: FolderFiles(folder) for name, folder in folders.items()}
    return SyncWorkspaces(world.storage.workspaces, world.broker, catalog, world.clock, sources)


async def _current(world: World, name: str = "files") -> WorkspaceRecord:
    found = await world.storage.workspaces.load_workspace(name)
    assert found is not None
    return found


async def _news(world: World) -> Subscription:
    return await world.broker.subscribe(announcement_queue("workspace.*"), prefetch=10)


async def test_a_folder_becomes_a_revision_with_its_files(folder: Path, tmp_path: Path) -> None:
    world = await a_world()
    news = await _news(world)
    await (await _sync(world, files=folder)).look()
    current = await _current(world)
    assert current.revision is not None
    assert current.error is None
    record = await world.storage.workspaces.load_revision("files", current.revision)
    assert record is not None
    assert list(record.definition["tasks"]) == ["chain"]
    archive = await world.storage.workspaces.load_archive("files", current.revision)
    assert archive is not None
    unpack(archive, tmp_path / "copy")
    assert (tmp_path / "copy" / "chain.yaml").read_text() == chain(1)
    (delivery,) = await news.take(10)
    assert isinstance(delivery.message, WorkspaceChangedMessage)
    assert (delivery.message.workspace, delivery.message.revision) == ("files", current.revision)


async def test_workspaces_that_are_no_longer_configured_go(folder: Path) -> None:
    world = await a_world()
    await world.storage.workspaces.set_current(WorkspaceRecord("gone", None, "as it was"))
    sync = await _sync(world, files=folder)
    await sync.remove_others()
    await sync.look()
    assert [record.name for record in await world.storage.workspaces.list_workspaces()] == ["files"]


async def test_a_change_makes_a_new_revision_and_the_old_one_stays(folder: Path) -> None:
    world = await a_world()
    sync = await _sync(world, files=folder)
    await sync.look()
    first = await _current(world)
    await sync.look()
    assert await _current(world) == first
    (folder / "more.yaml").write_text(chain(2, name="more"))
    await sync.look()
    second = await _current(world)
    assert second.revision != first.revision
    assert first.revision is not None
    assert await world.storage.workspaces.load_revision("files", first.revision) is not None


async def test_a_folder_that_vanishes_is_told_once_and_its_last_revision_stays(folder: Path) -> None:
    world = await a_world()
    sync = await _sync(world, files=folder)
    await sync.look()
    good = await _current(world)
    away = folder.rename(folder.parent / "away")
    await sync.look()
    bad = await _current(world)
    assert bad.revision == good.revision
    assert "does not exist" in (bad.error or "")
    await sync.look()
    assert await _current(world) == bad
    away.rename(folder)
    await sync.look()
    assert (await _current(world)).error is None


async def test_a_folder_that_was_never_there_has_an_error_and_no_revision(tmp_path: Path) -> None:
    world = await a_world()
    await (await _sync(world, files=tmp_path / "nowhere")).look()
    current = await _current(world)
    assert current.revision is None
    assert "does not exist" in (current.error or "")


async def test_problems_of_a_file_are_kept_with_the_revision(folder: Path) -> None:
    world = await a_world()
    (folder / "wrong.yaml").write_text("tasks: {bad: {flow: {a: {action: missing}}}}")
    await (await _sync(world, files=folder)).look()
    current = await _current(world)
    record = await world.storage.workspaces.load_revision("files", current.revision or "")
    assert record is not None
    assert any("missing" in problem["text"] for problem in record.problems)


async def test_two_schedulers_do_the_same_and_do_no_harm(folder: Path) -> None:
    world = await a_world()
    first, second = await _sync(world, files=folder), await _sync(world, files=folder)
    await first.look()
    current = await _current(world)
    await second.look()
    assert await _current(world) == current


async def test_while_the_broker_is_down_the_workspace_is_current_all_the_same(folder: Path) -> None:
    world = await a_world()
    sync = await _sync(world, files=folder)
    world.broker.go_down()
    with pytest.raises(BrokerUnavailable):
        await sync.look()
    world.broker.come_back()
    await sync.look()
    assert (await _current(world)).revision is not None
