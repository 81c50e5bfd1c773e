"""Refreshing a workspace: a word to the schedulers, and the wait until one of them has done it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from httpx import AsyncClient

from services.api.parts import Parts
from services.api.use_cases import refresh_workspace
from services.scheduler.follow_sources import FollowSources
from services.scheduler.hear_refresh import HearRefresh
from services.scheduler.source import FolderFiles
from services.scheduler.sync_workspaces import SyncWorkspaces
from shared.runtime.lifecycle import Lifecycle
from shared.storage.records import WorkspaceRecord
from tests.support.eventually import eventually

PATH = "/api/workspaces/files/refresh"


@asynccontextmanager
async def a_scheduler(parts: Parts, folder: Path) -> AsyncIterator[None]:
    """The part of a scheduler that follows sources."""
    lifecycle = Lifecycle()
    sources = {"files": FolderFiles(folder)}
    sync = SyncWorkspaces(parts.storage.workspaces, parts.broker, parts.catalog, parts.clock, sources)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(FollowSources(sync, HearRefresh(parts.broker, sync)).run(lifecycle))
        yield
        lifecycle.stopping.set()


async def test_the_answer_comes_when_the_workspace_is_loaded(parts: Parts, api: AsyncClient, tmp_path: Path) -> None:
    await parts.storage.workspaces.set_current(WorkspaceRecord("files", None, "not yet"))
    async with a_scheduler(parts, tmp_path):
        answer = await api.post(PATH)
    assert answer.status_code == 200
    current = await parts.storage.workspaces.load_workspace("files")
    assert current is not None
    assert answer.json() == {"workspace": "files", "revision": current.revision, "refreshed": True}


async def test_soon_after_it_is_refused_with_the_time_to_wait(parts: Parts, api: AsyncClient, tmp_path: Path) -> None:
    await parts.storage.workspaces.set_current(WorkspaceRecord("files", None, "not yet"))
    async with a_scheduler(parts, tmp_path):
        await api.post(PATH)
        refused = await api.post(PATH)
    assert refused.status_code == 429
    seconds = refused.headers["Retry-After"]
    assert 1 <= int(seconds) <= 5
    assert refused.json()["error"] == f"Workspace refresh rate-limited; retry after {seconds}s"


async def test_a_workspace_that_can_not_be_loaded_says_why(parts: Parts, api: AsyncClient, tmp_path: Path) -> None:
    await parts.storage.workspaces.set_current(WorkspaceRecord("files", None, "not yet"))
    async with a_scheduler(parts, tmp_path / "nowhere"):
        answer = await api.post(PATH)
    assert answer.status_code == 503
    assert "does not exist" in answer.json()["error"]


async def test_workspaces_that_are_not_configured_any_more_go(parts: Parts, tmp_path: Path) -> None:
    await parts.storage.workspaces.set_current(WorkspaceRecord("gone", None, "as it was"))

    async def are_gone() -> bool:
        return [record.name for record in await parts.storage.workspaces.list_workspaces()] == ["files"]

    async with a_scheduler(parts, tmp_path):
        await eventually(are_gone)


async def test_an_unknown_workspace_is_not_found(api: AsyncClient) -> None:
    assert (await api.post("/api/workspaces/nowhere/refresh")).status_code == 404


async def test_without_a_scheduler_the_wait_has_an_end(
    parts: Parts, api: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh_workspace, "DONE_WITHIN", timedelta(seconds=0.2))
    await parts.storage.workspaces.set_current(WorkspaceRecord("files", None, "not yet"))
    answer = await api.post(PATH)
    assert answer.status_code == 503
    assert "is a scheduler up?" in answer.json()["error"]
