"""Hears what changed elsewhere: jobs for viewers, workspaces for the catalog."""

from services.api.consume import consume
from services.api.job_ends import JobEnds
from services.api.live_logs import LiveLogs
from shared.broker.ports import Broker, Subscription
from shared.broker.topology import announcement_queue
from shared.messages.wire import JobChangedMessage, WorkspaceChangedMessage
from shared.orchestration.catalog import Catalog
from shared.runtime.lifecycle import Lifecycle

PREFETCH = 500
TAKE = 200
KEYS = ("job.*", "workspace.*")


class FollowAnnouncements:
    """One exclusive queue of this instance's own. What it says are hints: all of it is also looked up now and then."""

    def __init__(self, broker: Broker, live: LiveLogs, ends: JobEnds, catalog: Catalog) -> None:
        self._broker = broker
        self._live = live
        self._ends = ends
        self._catalog = catalog
        self._subscription: Subscription | None = None

    async def run(self, lifecycle: Lifecycle) -> None:
        """Listen until the stop signal."""
        await consume(lifecycle, "announcements", self._listen, lambda: self._subscription)

    async def _listen(self) -> None:
        if self._subscription is None:
            self._subscription = await self._broker.subscribe(announcement_queue(*KEYS), prefetch=PREFETCH)
            return  # the loop counts as well while it waits for the first hint
        deliveries = await self._subscription.take(TAKE)
        for delivery in deliveries:
            match delivery.message:
                case JobChangedMessage(job_id=job_id, status=status) if status.is_terminal:
                    self._live.job_changed(job_id)
                    self._ends.job_changed(job_id)
                case WorkspaceChangedMessage(workspace=workspace):
                    self._catalog.forget(workspace)
        if deliveries:
            await self._subscription.acknowledge(deliveries)
