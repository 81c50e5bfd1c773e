"""Sends messages and waits for the broker's word that it has them."""

import asyncio
from collections.abc import Sequence

from aiormq import spec
from aiormq.channel import Channel as Amqp

from shared.broker.channel import KeptChannel, Prepare
from shared.broker.connection import Link
from shared.broker.driver_errors import translated
from shared.broker.envelope import Envelope
from shared.broker.timings import Timings
from shared.errors import BrokerUnavailable, Unroutable
from shared.runtime.clock import Clock

WINDOW = 500  # unconfirmed messages of a process; more only fills buffers
BATCH = 250  # messages of one call that share a deadline
DRAIN_ABOVE_BYTES = 16 * 1024  # bodies from this size wait for room in the socket's buffer


class Publisher:
    """A channel with confirms, used by many at once: nobody waits for another's confirm."""

    def __init__(self, link: Link, *, prepare: Prepare, clock: Clock, timings: Timings) -> None:
        self._link = link
        self._deadline_seconds = timings.deadline.total_seconds()
        self._kept = KeptChannel(
            link, name=f"{link.name}.channel", has_confirms=True, prepare=prepare, clock=clock, timings=timings
        )
        self._window = asyncio.Semaphore(WINDOW)
        self._open: dict[str, asyncio.Future[None]] = {}
        self._heard_at = 0.0
        self._is_closed = False

    async def start(self) -> None:
        """Open the channel; raises what KeptChannel.start raises."""
        await self._kept.start()

    @property
    def is_ready(self) -> bool:
        """Whether a message would go out now."""
        return self._link.is_ready and self._kept.is_ready

    async def send(self, envelopes: Sequence[Envelope]) -> None:
        """Send all in order, pipelined; return when each is confirmed.

        Raises:
            BrokerUnavailable: not confirmed within the deadline, refused, or the connection broke.
            Unroutable: all are confirmed, but those in `message_ids` have no queue.
        """
        for start in range(0, len(envelopes), BATCH):
            await self._send_batch(envelopes[start : start + BATCH])

    async def close(self) -> None:
        """Wait for open confirms for a moment, then close the channel."""
        self._is_closed = True
        if self._open:
            await asyncio.wait(self._open.values(), timeout=self._deadline_seconds / 2)
        await self._kept.close()

    async def _send_batch(self, batch: Sequence[Envelope]) -> None:
        if self._is_closed:
            raise BrokerUnavailable("publish: this process has closed its connection")
        began_at = asyncio.get_running_loop().time()
        try:
            with translated("publish"):
                async with asyncio.timeout(self._deadline_seconds):
                    channel = await self._kept.ready()
                    await self._link.unblocked()
                    outcomes = await self._send_all(channel, batch)
        except BrokerUnavailable as error:
            if isinstance(error.__cause__, TimeoutError):
                self._cut_if_silent(began_at)
            raise
        _raise_failures(batch, outcomes)

    async def _send_all(self, channel: Amqp, batch: Sequence[Envelope]) -> Sequence[bool | BaseException]:
        if len(batch) == 1:
            return [await self._send_one(channel, batch[0])]
        sendings = (self._send_one(channel, envelope) for envelope in batch)
        return await asyncio.gather(*sendings, return_exceptions=True)

    async def _send_one(self, channel: Amqp, envelope: Envelope) -> bool:
        """Whether it was routed. The driver tells returned messages by id: an id is open once at a time."""
        while (twin := self._open.get(envelope.id)) is not None:
            await asyncio.wait([twin])
        self._open[envelope.id] = done = asyncio.get_running_loop().create_future()
        try:
            async with self._window:
                with translated("publish"):
                    answer = await channel.basic_publish(
                        envelope.body,
                        exchange=envelope.exchange,
                        routing_key=envelope.key,
                        properties=envelope.properties(),
                        mandatory=not envelope.is_lossy,
                        wait=len(envelope.body) > DRAIN_ABOVE_BYTES,
                    )
        finally:
            del self._open[envelope.id]
            done.set_result(None)
        self._heard_at = asyncio.get_running_loop().time()
        return isinstance(answer, spec.Basic.Ack)

    def _cut_if_silent(self, since: float) -> None:
        """No confirm at all for a whole deadline, and no alarm told: the connection is dead."""
        if self._heard_at < since and self._kept.is_ready and not self._link.is_blocked:
            self._link.cut()


def _raise_failures(batch: Sequence[Envelope], outcomes: Sequence[bool | BaseException]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    lost = [envelope for envelope, is_routed in zip(batch, outcomes, strict=True) if not is_routed]
    if lost:
        raise Unroutable(
            f"no queue for {lost[0].exchange} with key {lost[0].key}", message_ids=[envelope.id for envelope in lost]
        )
