"""Brings workspaces into the database, revision by revision."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from uuid_utils import uuid7

from services.scheduler.follow_libraries import FollowLibraries
from services.scheduler.source import FileSource
from shared.broker.ports import Broker, Outgoing
from shared.broker.topology import ANNOUNCEMENT_EXCHANGE
from shared.definition.archive import pack
from shared.definition.libraries import Library
from shared.definition.load import load_snapshot
from shared.errors import BrokerUnavailable, HeadraceError, StoreUnavailable
from shared.messages.wire import WorkspaceChangedMessage
from shared.orchestration.catalog import Catalog
from shared.runtime.clock import Clock
from shared.storage.ports import WorkspaceStore
from shared.storage.records import RevisionRecord, WorkspaceRecord

log = structlog.get_logger()

EVERY = timedelta(seconds=1)  # a look at names, sizes and times of files; git is asked when its interval is over


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A workspace's revision, ready to be kept."""

    record: RevisionRecord
    archive: bytes


class SyncWorkspaces:
    """Any number of schedulers may do it: a revision is named after its content and never changes."""

    def __init__(
        self,
        store: WorkspaceStore,
        broker: Broker,
        catalog: Catalog,
        clock: Clock,
        sources: Mapping[str, FileSource],
        libraries: FollowLibraries | None = None,
    ) -> None:
        self._store = store
        self._broker = broker
        self._catalog = catalog
        self._clock = clock
        self._sources = dict(sources)
        self._libraries = libraries or FollowLibraries({})
        self._seen: dict[str, str] = {}
        self._asked: dict[str, datetime] = {}
        self._answered: dict[str, datetime] = {}
        self._bells = {name: asyncio.Event() for name in sources}

    @property
    def names(self) -> list[str]:
        """The workspaces."""
        return list(self._sources)

    async def look(self) -> None:
        """Look at each, one after the other.

        Raises:
            Unavailable: as `look_at`.
        """
        for name in self._sources:
            await self.look_at(name)

    async def remove_others(self) -> None:
        """Forget workspaces that are not configured any more. Repeats: harmless."""
        await self._store.remove_others(list(self._sources))

    def ask(self, name: str, at: datetime) -> None:
        """Load the workspace anew, soon; the refresh that was asked for at this time is done with it. Repeats: once."""
        if name in self._sources and at not in (self._asked.get(name), self._answered.get(name)):
            self._asked[name] = max(at, self._asked.get(name, at))
            self._bells[name].set()

    async def wait(self, name: str) -> None:
        """Until it is time for the next look, or somebody asked for one."""
        try:
            async with asyncio.timeout(EVERY.total_seconds()):
                await self._bells[name].wait()
        except TimeoutError:
            return

    async def look_at(self, name: str) -> None:
        """Load what has changed since the last look; what can't be loaded keeps its last good revision.

        Raises:
            Unavailable: database or broker is down; the change is seen again at the next look.
        """
        self._bells[name].clear()
        asked_at = self._asked.get(name)
        await self._load(name, asked_at)
        if asked_at is not None:
            self._answered[name] = asked_at
            if self._asked.get(name) == asked_at:
                del self._asked[name]

    async def _load(self, name: str, asked_at: datetime | None) -> None:
        source = self._sources[name]
        try:
            is_forced = asked_at is not None
            state = f"{await source.peek(is_forced=is_forced)}\0{await self._libraries.peek(is_forced=is_forced)}"
            if self._seen.get(name) == state and not is_forced:
                return
            loaded = await _load(name, source, await self._libraries.load())
        except (StoreUnavailable, BrokerUnavailable):
            raise
        except HeadraceError as error:
            await self._refuse(name, error.message, asked_at)
            return
        await self._keep(loaded, asked_at)
        self._seen[name] = state

    async def _keep(self, loaded: _Loaded, asked_at: datetime | None) -> None:
        name, revision = loaded.record.workspace, loaded.record.revision
        current = await self._store.load_workspace(name)
        is_known = current is not None and (current.revision, current.error) == (revision, None)
        if is_known and asked_at is None:
            return
        await self._store.put_revision(loaded.record, loaded.archive)
        await self._store.set_current(WorkspaceRecord(name, revision, None, self._clock.now(), asked_at))
        if is_known:
            return
        problems = [str(problem["text"]) for problem in loaded.record.problems]
        log.info("workspace.loaded", workspace=name, revision=revision, problems=problems)
        await self._announce(name, revision)

    async def _refuse(self, name: str, error: str, asked_at: datetime | None) -> None:
        """Say why it can't be loaded, once."""
        self._seen.pop(name, None)
        current = await self._store.load_workspace(name)
        is_known = current is not None and current.error == error
        if is_known and asked_at is None:
            return
        revision = current.revision if current is not None else None
        await self._store.set_current(WorkspaceRecord(name, revision, error, self._clock.now(), asked_at))
        if is_known:
            return
        log.warning("workspace.refused", workspace=name, error=error)
        await self._announce(name, revision or "")

    async def _announce(self, name: str, revision: str) -> None:
        self._catalog.forget(name)
        message = WorkspaceChangedMessage(
            id=str(uuid7()), occurred_at=self._clock.now(), workspace=name, revision=revision
        )
        await self._broker.publish([Outgoing(ANNOUNCEMENT_EXCHANGE, "workspace.changed", message, is_lossy=True)])


async def _load(name: str, source: FileSource, libraries: tuple[Library, ...]) -> _Loaded:
    """Fetch, check and pack; definition and archive are made from the same bytes."""
    fetched = await source.fetch()
    loaded = await asyncio.to_thread(load_snapshot, fetched.snapshot, revision=fetched.revision, libraries=libraries)
    record = RevisionRecord(
        workspace=name,
        revision=loaded.revision,
        definition=loaded.definition.model_dump(mode="json"),
        problems=tuple(problem.to_json() for problem in loaded.problems),
    )
    return _Loaded(record, await asyncio.to_thread(pack, loaded.snapshot))
