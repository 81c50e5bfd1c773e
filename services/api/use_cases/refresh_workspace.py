"""Has a workspace loaded anew and waits until that is done."""

import asyncio
import math
from datetime import datetime, timedelta

from uuid_utils import uuid7

from shared.broker.ports import Broker, Outgoing
from shared.broker.topology import CONTROL_EXCHANGE
from shared.errors import NotFound, TooSoon, Unavailable
from shared.messages.wire import RefreshWorkspaceMessage
from shared.orchestration.catalog import Catalog
from shared.runtime.clock import Clock
from shared.storage.ports import WorkspaceStore
from shared.storage.records import WorkspaceRecord

COOL_DOWN = timedelta(seconds=5)
DONE_WITHIN = timedelta(seconds=15)
LOOK_EVERY = timedelta(milliseconds=50)
ASK_EVERY = timedelta(seconds=1)  # a scheduler that was away meanwhile hears it then


class RefreshWorkspace:
    """Schedulers load; the api asks them through the broker and sees in the database that it is done.

    The cool-down holds for each workspace across all apis: what the database says, and before that this process.
    """

    def __init__(self, workspaces: WorkspaceStore, broker: Broker, catalog: Catalog, clock: Clock) -> None:
        self._workspaces = workspaces
        self._broker = broker
        self._catalog = catalog
        self._clock = clock
        self._asked: dict[str, datetime] = {}

    async def refresh(self, workspace: str) -> str:
        """The workspace's revision, read from its source after this call began.

        Raises:
            NotFound: there is no such workspace.
            TooSoon: it was asked for less than `COOL_DOWN` ago.
            Unavailable: it could not be loaded, or no scheduler did it within `DONE_WITHIN`.
        """
        record = await self._workspaces.load_workspace(workspace)
        if record is None:
            raise NotFound(f"Workspace '{workspace}' not found")
        now = self._clock.now()
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as precise as the database keeps it
        self._check_cool_down(record, at)
        self._asked[workspace] = at
        done = await self._wait(workspace, at)
        self._catalog.forget(workspace)
        if done.error is not None or done.revision is None:
            raise Unavailable(f"Workspace '{workspace}' could not be loaded: {done.error}")
        return done.revision

    def _check_cool_down(self, record: WorkspaceRecord, at: datetime) -> None:
        earlier = [one for one in (record.refreshed_at, self._asked.get(record.name)) if one is not None]
        left = max(earlier) + COOL_DOWN - at if earlier else timedelta()
        if left > timedelta():
            seconds = math.ceil(min(left, COOL_DOWN).total_seconds())
            told = f"Workspace refresh rate-limited; retry after {seconds}s"
            raise TooSoon(told, retry_after_seconds=seconds)

    async def _wait(self, workspace: str, at: datetime) -> WorkspaceRecord:
        message = RefreshWorkspaceMessage(id=str(uuid7()), occurred_at=at, workspace=workspace)
        asked_at: datetime | None = None
        try:
            async with asyncio.timeout(DONE_WITHIN.total_seconds()):
                while True:
                    if asked_at is None or self._clock.now() - asked_at >= ASK_EVERY:
                        asked_at = self._clock.now()
                        await self._broker.publish([Outgoing(CONTROL_EXCHANGE, "scheduler", message, is_lossy=True)])
                    await self._clock.sleep(LOOK_EVERY)
                    record = await self._workspaces.load_workspace(workspace)
                    if record is not None and record.refreshed_at is not None and record.refreshed_at >= at:
                        return record
        except TimeoutError as error:
            within = f"{DONE_WITHIN.total_seconds():g}s"
            raise Unavailable(f"Workspace '{workspace}' was not loaded within {within}; is a scheduler up?") from error
