"""Fresh working copies of workspaces, at the cost of a rename."""

import asyncio
from collections import OrderedDict, deque
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from uuid_utils import uuid7

from services.worker.cache_folder import CacheFolder, Copy
from services.worker.runners.runner import CannotRun
from shared.errors import Poison
from shared.storage.ports import WorkspaceStore

log = structlog.get_logger()


class _Revision:
    """One unpacked revision and the copies of it that wait for a step."""

    def __init__(self) -> None:
        self.unpacking = asyncio.Lock()
        self.filling = asyncio.Lock()
        self.pristine: Copy | None = None
        self.spares: deque[Path] = deque()
        self.is_evicted = False


class WorkspaceCache:
    """Unpacks a revision once and keeps copies of it ready; `async with` owns the copying in the background.

    A workspace of up to 20 MB has `spares` copies ready, so that a check-out costs next to nothing. A bigger one is
    copied when its step starts: about a second for each 500 MB, less where the file system can share blocks.
    """

    def __init__(self, store: WorkspaceStore, folder: CacheFolder, *, keep: int, spares: int) -> None:
        self._store = store
        self._folder = folder
        self._keep = keep
        self._spares = spares
        self._revisions: OrderedDict[tuple[str, str], _Revision] = OrderedDict()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._folder.open)
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tasks.__aexit__(kind, error, trace)
        await asyncio.to_thread(self._folder.close)

    async def check_out(self, workspace: str, revision: str) -> Path:
        """A folder of the caller's own, with a fresh copy of the files in `workspace/`; give it to `discard` later.

        Raises:
            CannotRun: the files are not in the store, damaged, or don't fit on the disk.
            StoreUnavailable: try again later.
        """
        found = await self._unpacked(workspace, revision)
        if found.spares:
            folder = found.spares.popleft()
        else:
            folder = self._folder.new_copy_path(str(uuid7()))
            await self._copy(found, folder)
        self._tasks.create_task(self._refill(found), name="workspace.refill")
        return folder

    def discard(self, folder: Path) -> None:
        """Remove it, soon."""
        self._tasks.create_task(asyncio.to_thread(self._folder.remove, folder), name="workspace.discard")

    async def _unpacked(self, workspace: str, revision: str) -> _Revision:
        key = (workspace, revision)
        found = self._revisions.setdefault(key, _Revision())
        self._revisions.move_to_end(key)
        async with found.unpacking:
            if found.pristine is None:
                found.pristine = await self._fetch(workspace, revision)
        self._evict()
        return found

    async def _fetch(self, workspace: str, revision: str) -> Copy:
        archive = await self._store.load_archive(workspace, revision)
        if archive is None:
            raise CannotRun(f"The files of workspace {workspace!r} at revision {revision!r} are not in the store")
        try:
            return await asyncio.to_thread(self._folder.unpack, archive, str(uuid7()))
        except Poison as error:
            raise CannotRun(error.message) from error
        except OSError as error:
            raise CannotRun(f"Workspace {workspace!r} can't be unpacked: {error.strerror}") from error

    async def _copy(self, found: _Revision, folder: Path) -> None:
        if found.pristine is None:
            raise CannotRun("The workspace was removed from the cache while it was copied")
        try:
            await asyncio.to_thread(self._folder.copy, found.pristine.path, folder)
        except OSError as error:
            raise CannotRun(f"The workspace can't be copied: {error.strerror or error}") from error

    async def _refill(self, found: _Revision) -> None:
        async with found.filling:
            while not found.is_evicted and len(found.spares) < self._wanted(found):
                folder = self._folder.new_copy_path(str(uuid7()))
                try:
                    await self._copy(found, folder)
                except CannotRun as error:
                    log.warning("workspace.no_spare", error=str(error))
                    return
                found.spares.append(folder)
        if found.is_evicted:
            self._discard_all(found)

    def _wanted(self, found: _Revision) -> int:
        return self._spares if found.pristine is not None and found.pristine.is_small else 0

    def _evict(self) -> None:
        """Drop the revisions used longest ago; `keep` is at least the slots, so none that a step waits for."""
        for key, found in list(self._revisions.items())[: -self._keep]:
            del self._revisions[key]
            found.is_evicted = True
            self._discard_all(found)
            if found.pristine is not None:
                self.discard(found.pristine.path)

    def _discard_all(self, found: _Revision) -> None:
        while found.spares:
            self.discard(found.spares.popleft())
