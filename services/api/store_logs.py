"""Stores log chunks: taken from the shared queue in batches, acknowledged after the write."""

import asyncio

import structlog

from services.api.consume import consume
from shared.broker.ports import Broker, Delivery, Subscription
from shared.broker.topology import LOG_STORE_QUEUE
from shared.errors import HeadraceError, Poison, StoreUnavailable, Unavailable
from shared.messages.wire import LogChunkMessage
from shared.runtime.lifecycle import Lifecycle
from shared.storage.ports import LogStore
from shared.storage.records import LogChunk
from shared.telemetry.metrics import LOG_LINES_STORED

log = structlog.get_logger()

TAKE = 32  # chunks a write, at most 64 KiB each: 2 MiB; decoded, 4,096 short lines of a chunk weigh 3 MB
PREFETCH = 2 * TAKE  # the next batch arrives while this one is written
WRITE_DEADLINE_SECONDS = 30.0


class StoreLogs:
    """The log-event consumer; any number of api instances share the queue.

    Repeats: a chunk is kept once, by (job, step, attempt, first).
    """

    def __init__(self, broker: Broker, logs: LogStore) -> None:
        self._broker = broker
        self._logs = logs
        self._subscription: Subscription | None = None
        self._held: list[Delivery] = []

    async def run(self, lifecycle: Lifecycle) -> None:
        """Store until the stop signal; what was taken and not written goes back to the queue."""
        await consume(lifecycle, "logs.store", self.store_batch, lambda: self._subscription)

    async def store_batch(self) -> None:
        """Take, write, acknowledge. A batch that could not be written is held and tried again first.

        The first round only subscribes.
        """
        if self._subscription is None:
            self._subscription = await self._broker.subscribe(LOG_STORE_QUEUE, prefetch=PREFETCH)
            return  # the loop counts as well while it waits for the first chunk
        if not self._held:
            self._held = await self._subscription.take(TAKE)
        if not self._held:
            return
        try:
            await self._write([delivery for delivery in self._held if isinstance(delivery.message, LogChunkMessage)])
        except Unavailable:
            raise
        except HeadraceError:
            await self._write_one_by_one(self._subscription)
        strangers = [delivery for delivery in self._held if not isinstance(delivery.message, LogChunkMessage)]
        for delivery in strangers:
            await self._bury(self._subscription, delivery, f"{delivery.message.type} is no log chunk")
        done, self._held = self._held, []
        await self._subscription.acknowledge(done)

    async def _write(self, deliveries: list[Delivery]) -> None:
        chunks = [_chunk_of(delivery) for delivery in deliveries]
        if not chunks:
            return
        try:
            async with asyncio.timeout(WRITE_DEADLINE_SECONDS):
                await self._logs.append(chunks)
        except TimeoutError:
            raise StoreUnavailable("log chunks were not written in time") from None
        LOG_LINES_STORED.inc(sum(len(chunk.lines) for chunk in chunks))

    async def _write_one_by_one(self, subscription: Subscription) -> None:
        """The store refused the batch: find whose fault it is; the others are kept."""
        for delivery in [one for one in self._held if isinstance(one.message, LogChunkMessage)]:
            try:
                await self._write([delivery])
            except Unavailable:
                raise
            except HeadraceError as error:
                await self._bury(subscription, delivery, error.message)

    async def _bury(self, subscription: Subscription, delivery: Delivery, reason: str) -> None:
        log.warning("log_chunk.refused", message_id=delivery.message.id, reason=reason)
        await subscription.dead_letter(delivery, reason)
        self._held = [held for held in self._held if held is not delivery]


def _chunk_of(delivery: Delivery) -> LogChunk:
    message = delivery.message
    if not isinstance(message, LogChunkMessage):
        raise Poison(f"{message.type} is no log chunk")
    lines = tuple((line.ts, line.stream, line.text) for line in message.lines)
    return LogChunk(message.job_id, message.step, message.attempt, message.first, lines)
