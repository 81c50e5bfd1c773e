"""The broker of a service process: RabbitMQ."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import cast

from aiormq.channel import Channel as Amqp
from yarl import URL

from shared.broker.connection import Link
from shared.broker.consumer import RabbitSubscription
from shared.broker.dead_letters import DeadLetters
from shared.broker.declare import count_messages, declare_exchange, declare_queue
from shared.broker.driver_errors import translated
from shared.broker.envelope import refuse_dead, wrap
from shared.broker.ports import Outgoing
from shared.broker.publisher import Publisher
from shared.broker.timings import Timings
from shared.broker.topology import EXCHANGES, Queue, partition_queues
from shared.errors import Rejected
from shared.runtime.clock import Clock, SystemClock


async def connect(
    url: str, *, name: str, partitions: int, clock: Clock | None = None, timings: Timings | None = None
) -> "RabbitBroker":
    """Connect as `name`, declare what the topology says, and answer the broker.

    Raises:
        Rejected: the address makes no sense.
        BrokerUnavailable: it was not there, or did not let us in, for the length of `timings.patience`.
        Broken: it has a queue or exchange that differs from ours; the text names the difference.
    """
    _check(url)
    broker = RabbitBroker(
        url, name=name, queues=partition_queues(partitions), clock=clock or SystemClock(), timings=timings or Timings()
    )
    try:
        await broker.start()
    except BaseException:
        await broker.close()
        raise
    return broker


class RabbitBroker:
    """One connection to publish and one to consume, each supervised on its own."""

    def __init__(self, url: str, *, name: str, queues: Iterable[Queue], clock: Clock, timings: Timings) -> None:
        self._clock = clock
        self._timings = timings
        self._queues = dict.fromkeys(queues)
        self._outbound = Link(url, name=f"{name}.publish", clock=clock, timings=timings)
        self._inbound = Link(url, name=f"{name}.consume", clock=clock, timings=timings)
        self._publisher = Publisher(self._outbound, prepare=self._declare_all, clock=clock, timings=timings)
        self._dead = DeadLetters(self._publisher, clock=clock, timings=timings)
        self._subscriptions: list[RabbitSubscription] = []

    async def start(self) -> None:
        """Connect and declare; raises what `connect` raises."""
        _quiet_driver()
        await self._outbound.start()
        await self._publisher.start()
        await self._inbound.start()

    @property
    def is_ready(self) -> bool:
        return self._publisher.is_ready and self._inbound.is_ready and all(one.is_ready for one in self._live())

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        await self._publisher.send([wrap(message) for message in messages])

    async def subscribe(self, queue: Queue, *, prefetch: int) -> RabbitSubscription:
        refuse_dead(queue)
        subscription = RabbitSubscription(
            queue,
            prefetch=prefetch,
            link=self._inbound,
            dead=self._dead,
            clock=self._clock,
            timings=self._timings,
        )
        await subscription.start()
        self._subscriptions = [*self._live(), subscription]
        return subscription

    async def declare(self, queue: Queue) -> None:
        with translated(f"declare {queue.name}"):
            async with asyncio.timeout(self._timings.deadline.total_seconds()):
                connection = await self._outbound.connection()
                channel = connection.channel(publisher_confirms=False)  # a mismatch costs the channel
                async with channel:
                    await declare_queue(cast("Amqp", await channel.get_underlay_channel()), queue)
        self._queues[queue] = None

    async def count(self, queue: Queue) -> int:
        with translated(f"count {queue.name}"):
            async with asyncio.timeout(self._timings.deadline.total_seconds()):
                connection = await self._outbound.connection()
                channel = connection.channel(publisher_confirms=False)  # an unknown queue costs the channel
                async with channel:
                    return await count_messages(cast("Amqp", await channel.get_underlay_channel()), queue)

    async def close(self) -> None:
        for subscription in self._live():
            await subscription.close()
        await self._publisher.close()
        await self._inbound.close()
        await self._outbound.close()

    def _live(self) -> list[RabbitSubscription]:
        return [one for one in self._subscriptions if not one.is_closed]

    async def _declare_all(self, channel: Amqp) -> None:
        """At start and after every reconnect: a broker that lost its data gets all of it again."""
        for exchange in EXCHANGES:
            await declare_exchange(channel, exchange)
        for queue in self._queues:
            await declare_queue(channel, queue)


def _check(url: str) -> None:
    try:
        address = URL(url)
    except ValueError:
        raise Rejected("the broker's address is no URL") from None
    if address.scheme not in {"amqp", "amqps"} or not address.host:
        raise Rejected("the broker's address must look like amqp://user:password@host:5672/ or amqps://...")


def _quiet_driver() -> None:
    """The driver's own log repeats, with tracebacks, what we log as events."""
    for name in ("aio_pika", "aiormq"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
