"""Hears which workspaces somebody wants to have loaded anew."""

from services.scheduler.sync_workspaces import SyncWorkspaces
from shared.broker.ports import Broker, Subscription
from shared.broker.topology import control_queue
from shared.messages.wire import RefreshWorkspaceMessage

MOST_AT_ONCE = 100


class HearRefresh:
    """Every scheduler hears it and does it: that is harmless. Whoever asks repeats it until it is done."""

    def __init__(self, broker: Broker, sync: SyncWorkspaces) -> None:
        self._broker = broker
        self._sync = sync
        self._subscription: Subscription | None = None

    async def hear(self) -> None:
        """Act on what was said, once.

        Raises:
            BrokerUnavailable: try again.
        """
        if self._subscription is None:
            self._subscription = await self._broker.subscribe(control_queue("scheduler"), prefetch=MOST_AT_ONCE)
            return  # the loop counts as well while it waits for the first word
        deliveries = await self._subscription.take(MOST_AT_ONCE)
        for delivery in deliveries:
            if isinstance(delivery.message, RefreshWorkspaceMessage):
                self._sync.ask(delivery.message.workspace, delivery.message.occurred_at)
        if deliveries:
            await self._subscription.acknowledge(deliveries)

    async def close(self) -> None:
        """Hear no more; a pending `hear` returns."""
        if self._subscription is not None:
            await self._subscription.close()
