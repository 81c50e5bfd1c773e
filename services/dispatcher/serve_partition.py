"""The loop that advances the jobs of one partition."""

import asyncio
from datetime import timedelta

from services.dispatcher.handle_batch import HandleBatch
from shared.broker.ports import Broker, Delivery, Subscription
from shared.broker.topology import event_queue
from shared.messages.wire import StepStartedMessage
from shared.orchestration.orchestrator import Orchestrator
from shared.runtime.lifecycle import Lifecycle

BATCH = 200  # deliveries decided together
PREFETCH = 2 * BATCH  # the next batch arrives while one is saved
LINGER = timedelta(milliseconds=12)  # nobody waits for a start; most shell steps that do little end within it
LAST_BATCH = timedelta(seconds=5)  # for a batch in hand to be saved and acknowledged at the end


class ServePartition:
    """Takes a partition's events while this dispatcher leases it; its lifecycle is shorter than the service's."""

    def __init__(self, number: int, subscription: Subscription, orchestrator: Orchestrator) -> None:
        self.number = number
        self._subscription = subscription
        self._handle = HandleBatch(orchestrator, subscription)
        self._lifecycle = Lifecycle()
        self._in_hand: list[Delivery] = []
        self._ended = asyncio.Event()

    @property
    def troubles(self) -> dict[str, str]:
        """As `Lifecycle.troubles`."""
        return self._lifecycle.troubles

    async def run(self) -> None:
        """Handle batches until `stop`."""
        try:
            await self._lifecycle.repeat(f"partition.{self.number}", self._serve)
        finally:
            self._ended.set()

    async def _serve(self) -> None:
        """One batch; one that could not be saved stays in hand and is tried again."""
        if not self._in_hand:
            self._in_hand = await self._subscription.take(BATCH)
        if not self._in_hand:
            self._lifecycle.stopping.set()
            return
        await self._linger()
        await self._handle.handle(self._in_hand)
        self._in_hand = []

    async def _linger(self) -> None:
        """Wait a moment while there are but starts: a short step's end then goes into the same write."""
        try:
            async with asyncio.timeout(LINGER.total_seconds()):
                while all(isinstance(one.message, StepStartedMessage) for one in self._in_hand):
                    more = await self._subscription.take(BATCH)
                    if not more:
                        return
                    self._in_hand += more
        except TimeoutError:  # the steps run for longer
            return

    async def stop(self) -> None:
        """Finish the batch in hand, if there is one, and take no more. Repeats: harmless."""
        self._lifecycle.stopping.set()
        if self._in_hand:
            try:
                async with asyncio.timeout(LAST_BATCH.total_seconds()):
                    await self._ended.wait()
            except TimeoutError:  # what is in hand goes back to the queue
                pass
        await self._subscription.close()
        await self._ended.wait()


async def open_partition(number: int, broker: Broker, orchestrator: Orchestrator) -> ServePartition:
    """Subscribe to the partition's queue."""
    subscription = await broker.subscribe(event_queue(number), prefetch=PREFETCH)
    return ServePartition(number, subscription, orchestrator)
