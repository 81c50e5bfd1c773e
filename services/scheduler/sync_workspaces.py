"""Brings workspace folders into the database, revision by revision."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from uuid_utils import uuid7

from shared.broker.ports import Broker, Outgoing
from shared.broker.topology import ANNOUNCEMENT_EXCHANGE
from shared.definition.archive import pack
from shared.definition.load import load_folder
from shared.definition.snapshot import fingerprint
from shared.errors import BrokerUnavailable, HeadraceError, StoreUnavailable
from shared.messages.wire import WorkspaceChangedMessage
from shared.orchestration.catalog import Catalog
from shared.runtime.clock import Clock
from shared.storage.ports import WorkspaceStore
from shared.storage.records import RevisionRecord, WorkspaceRecord

log = structlog.get_logger()

EVERY = timedelta(seconds=1)  # a look at names, sizes and times of files


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A folder's revision, ready to be kept."""

    record: RevisionRecord
    archive: bytes


class SyncWorkspaces:
    """Any number of schedulers may do it: a revision is named after its content and never changes."""

    def __init__(
        self, store: WorkspaceStore, broker: Broker, catalog: Catalog, clock: Clock, folders: Mapping[str, Path]
    ) -> None:
        self._store = store
        self._broker = broker
        self._catalog = catalog
        self._clock = clock
        self._folders = dict(folders)
        self._seen: dict[str, str] = {}
        self._are_others_removed = False

    async def look(self) -> None:
        """Load what has changed since the last look; a folder that can't be loaded keeps its last good revision.

        Raises:
            Unavailable: database or broker is down; the change is seen again at the next look.
        """
        if not self._are_others_removed:
            await self._store.remove_others(list(self._folders))
            self._are_others_removed = True
        for name, folder in self._folders.items():
            await self._look_at(name, folder)

    async def _look_at(self, name: str, folder: Path) -> None:
        try:
            state = await asyncio.to_thread(fingerprint, folder)
        except HeadraceError as error:
            await self._refuse(name, error.message)
            return
        if self._seen.get(name) == state:
            return
        try:
            loaded = await asyncio.to_thread(_load, name, folder)
        except (StoreUnavailable, BrokerUnavailable):
            raise
        except HeadraceError as error:
            await self._refuse(name, error.message)
            return
        await self._keep(loaded)
        self._seen[name] = state

    async def _keep(self, loaded: _Loaded) -> None:
        name, revision = loaded.record.workspace, loaded.record.revision
        current = await self._store.load_workspace(name)
        if current is not None and (current.revision, current.error) == (revision, None):
            return
        await self._store.put_revision(loaded.record, loaded.archive)
        await self._store.set_current(WorkspaceRecord(name, revision, None, self._clock.now()))
        problems = [str(problem["text"]) for problem in loaded.record.problems]
        log.info("workspace.loaded", workspace=name, revision=revision, problems=problems)
        await self._announce(name, revision)

    async def _refuse(self, name: str, error: str) -> None:
        """Say why the folder can't be loaded, once."""
        self._seen.pop(name, None)
        current = await self._store.load_workspace(name)
        if current is not None and current.error == error:
            return
        revision = current.revision if current is not None else None
        await self._store.set_current(WorkspaceRecord(name, revision, error, self._clock.now()))
        log.warning("workspace.refused", workspace=name, error=error)
        await self._announce(name, revision or "")

    async def _announce(self, name: str, revision: str) -> None:
        self._catalog.forget(name)
        message = WorkspaceChangedMessage(
            id=str(uuid7()), occurred_at=self._clock.now(), workspace=name, revision=revision
        )
        await self._broker.publish([Outgoing(ANNOUNCEMENT_EXCHANGE, "workspace.changed", message, is_lossy=True)])


def _load(name: str, folder: Path) -> _Loaded:
    """Read, check and pack the folder; both are made from the same bytes."""
    loaded = load_folder(folder)
    record = RevisionRecord(
        workspace=name,
        revision=loaded.revision,
        definition=loaded.definition.model_dump(mode="json"),
        problems=tuple(problem.to_json() for problem in loaded.problems),
    )
    return _Loaded(record, pack(loaded.snapshot))
