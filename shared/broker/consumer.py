"""Takes messages from a queue."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel as Amqp

from shared.broker.channel import KeptChannel
from shared.broker.connection import Link
from shared.broker.dead_letters import DeadLetters
from shared.broker.declare import declare_queue
from shared.broker.driver_errors import translated, void_if_lost
from shared.broker.envelope import is_repeat
from shared.broker.ports import Delivery
from shared.broker.timings import Timings
from shared.broker.topology import Queue, QueueKind
from shared.broker.unsettled import Unsettled
from shared.errors import BrokerUnavailable, Poison
from shared.messages.codec import decode
from shared.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class _Tag:
    """Where a delivery came from; it is void once the channel is another."""

    channel: Amqp
    number: int
    raw: DeliveredMessage


class RabbitSubscription:
    """One queue, one channel, at most `prefetch` unacknowledged."""

    def __init__(
        self, queue: Queue, *, prefetch: int, link: Link, dead: DeadLetters, clock: Clock, timings: Timings
    ) -> None:
        self._queue = queue
        self._prefetch = prefetch
        self._dead = dead
        self._timings = timings
        self._keys = dict.fromkeys(queue.keys)
        self._name = queue.name
        self._label = queue.name or queue.bound_to.name
        self._buffer: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._channel: Amqp | None = None
        self._consumer: str | None = None
        self._consuming = asyncio.Lock()
        self._asked, self._in_force = 1, 0  # how often a prefetch was asked for, and which of these holds
        self._unsettled = Unsettled()
        self._is_closed = False
        self._kept = KeptChannel(
            link,
            name=self._label,
            has_confirms=False,
            prepare=self._prepare,
            clock=clock,
            timings=timings,
        )

    async def start(self) -> None:
        """Declare the queue and begin to take; raises what KeptChannel.start raises."""
        await self._kept.start()

    @property
    def is_ready(self) -> bool:
        """Whether messages arrive now."""
        return self._kept.is_ready

    @property
    def is_closed(self) -> bool:
        """Whether it was closed by its user."""
        return self._is_closed

    async def take(self, limit: int) -> list[Delivery]:
        while not self._buffer:
            if self._is_closed:
                return []
            self._arrived.clear()
            await self._arrived.wait()
        return [self._buffer.popleft() for _ in range(min(limit, len(self._buffer)))]

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        await self._acknowledge([one.tag for one in deliveries if isinstance(one.tag, _Tag)])

    async def give_back(self, deliveries: Sequence[Delivery]) -> None:
        if (channel := self._channel) is None:
            return
        tags = [one.tag for one in deliveries if isinstance(one.tag, _Tag)]
        for number, is_many in self._settle(channel, tags):
            with void_if_lost():
                await channel.basic_nack(number, multiple=is_many, requeue=True, wait=False)

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        tag = delivery.tag
        if isinstance(tag, _Tag) and self._is_open(tag):
            await self._dead.put(tag.raw, queue=self._label, reason=reason)
            await self._acknowledge([tag])

    async def resize(self, prefetch: int) -> None:
        self._prefetch = prefetch
        self._asked += 1
        channel = self._kept.current
        if channel is None:  # the next one begins with it
            return
        try:
            with translated(f"resize {self._label}"):
                async with asyncio.timeout(self._timings.deadline.total_seconds()):
                    await self._consume(channel)
        except BrokerUnavailable:
            self._kept.lose()
            raise

    async def bind(self, key: str) -> None:
        self._keys[key] = None
        with translated(f"bind {key}"):
            async with asyncio.timeout(self._timings.deadline.total_seconds()):
                channel = await self._kept.ready()
                await channel.queue_bind(self._name, self._queue.bound_to.name, key)

    async def unbind(self, key: str) -> None:
        self._keys.pop(key, None)
        channel = self._kept.current
        if channel is None:  # the next one is not bound to it
            return
        with translated(f"unbind {key}"):
            async with asyncio.timeout(self._timings.deadline.total_seconds()):
                await channel.queue_unbind(self._name, self._queue.bound_to.name, key)

    async def close(self) -> None:
        self._is_closed = True
        self._arrived.set()
        await self._delete_own_queue()
        await self._kept.close()
        self._forget()

    async def _delete_own_queue(self) -> None:
        channel = self._kept.current
        if channel is None or self._queue.kind is not QueueKind.EXCLUSIVE:
            return
        try:
            with translated(f"delete {self._name}"):
                async with asyncio.timeout(self._timings.farewell.total_seconds()):
                    await channel.queue_delete(self._name)
        except BrokerUnavailable:  # it goes with the connection
            return

    async def _prepare(self, channel: Amqp) -> None:
        self._forget()
        bound = tuple(self._keys)
        self._name = await declare_queue(channel, self._queue, bound)
        channel.on_consumer_cancel_callbacks.add(self._on_cancelled)
        self._channel = channel
        await self._consume(channel)
        for key in bound:
            if key not in self._keys:  # unbound in the meantime
                await channel.queue_unbind(self._name, self._queue.bound_to.name, key)

    def _on_cancelled(self, _: object) -> None:
        """The broker took the consumer away, as when its queue is deleted, unless we did that."""
        if not self._is_closed:
            self._kept.lose()

    async def _consume(self, channel: Amqp) -> None:
        """Take with the prefetch that was asked for last: it counts for consumers that begin after it."""
        async with self._consuming:
            while channel is self._channel and self._in_force != self._asked:
                asked = self._asked
                if self._consumer is not None:
                    await channel.basic_cancel(self._consumer)
                    self._consumer = None
                if self._prefetch > 0:
                    await channel.basic_qos(prefetch_count=self._prefetch)
                    begun = await channel.basic_consume(self._name, partial(self._receive, channel))
                    self._consumer = begun.consumer_tag
                self._in_force = asked

    def _forget(self) -> None:
        """What an earlier channel delivered comes again on the next."""
        self._channel = self._consumer = None
        self._in_force = 0
        self._buffer.clear()
        self._unsettled.clear()

    async def _receive(self, channel: Amqp, raw: DeliveredMessage) -> None:
        if channel is not self._channel or raw.delivery_tag is None:
            return
        tag = _Tag(channel, raw.delivery_tag, raw)
        self._unsettled.add(tag.number)
        try:
            message = decode(raw.body)
        except Poison as error:
            is_ours = partial(self._is_open, tag)
            if await self._dead.put_at_last(raw, queue=self._label, reason=error.message, is_ours=is_ours):
                await self._acknowledge([tag])
        else:
            self._buffer.append(Delivery(message, is_repeat(raw), tag))
            self._arrived.set()

    async def _acknowledge(self, tags: Sequence[_Tag]) -> None:
        if (channel := self._channel) is None:
            return
        for number, is_many in self._settle(channel, tags):
            with void_if_lost():
                await channel.basic_ack(number, multiple=is_many, wait=False)

    def _is_open(self, tag: _Tag) -> bool:
        return tag.channel is self._channel and tag.number in self._unsettled

    def _settle(self, channel: Amqp, tags: Sequence[_Tag]) -> list[tuple[int, bool]]:
        return self._unsettled.settle(tag.number for tag in tags if tag.channel is channel)
