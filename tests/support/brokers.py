"""The two brokers that pass one contract suite, each with what a test needs around it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import aio_pika

from shared.broker.memory import MemoryBroker
from shared.broker.memory_queues import MemoryServer
from shared.broker.ports import Broker, Delivery, Outgoing, Subscription
from shared.broker.rabbit import RabbitBroker, connect
from shared.broker.timings import Timings
from shared.broker.topology import DEAD_EXCHANGE, DEAD_QUEUE, Exchange, Queue, QueueKind
from shared.messages.wire import StepStartedMessage

QUICK = Timings(deadline=timedelta(seconds=5), patience=timedelta(seconds=5))


class Names:
    """Exchanges and queues of one test's own, so that tests on a shared broker don't meet."""

    def __init__(self) -> None:
        self.prefix = f"test.{secrets.token_hex(6)}"
        self.work = Exchange(f"{self.prefix}.work", "direct")
        self.news = Exchange(f"{self.prefix}.news", "topic")

    def queue(self, name: str = "queue", *, key: str = "key") -> Queue:
        """A durable queue like those of steps and events."""
        return Queue(f"{self.prefix}.{name}", QueueKind.QUORUM, self.work, (key,), DEAD_EXCHANGE)

    def own_queue(self, *keys: str) -> Queue:
        """A process's own queue."""
        return Queue("", QueueKind.EXCLUSIVE, self.news, keys)


class Side(Protocol):
    """A kind of broker, seen from a test."""

    names: Names

    async def connect(self) -> Broker:
        """Another process's broker on the same server; closed when the test ends."""
        ...

    async def put(self, exchange: Exchange, key: str, body: bytes) -> None:
        """Publish any bytes, as some other program might."""
        ...

    async def dead(self, queue: Queue) -> list[tuple[bytes, dict[str, Any]]]:
        """Bodies and headers of what lies dead and came from this queue."""
        ...

    async def lose_connections(self, broker: Broker) -> None:
        """Cut the process off for an instant."""
        ...


class MemorySide:
    """The broker in memory."""

    def __init__(self) -> None:
        self.names = Names()
        self._server = MemoryServer()

    async def connect(self) -> Broker:
        return MemoryBroker(self._server, partitions=1)

    async def put(self, exchange: Exchange, key: str, body: bytes) -> None:
        MemoryBroker(self._server).inject(exchange.name, key, body)

    async def dead(self, queue: Queue) -> list[tuple[bytes, dict[str, Any]]]:
        waiting = self._server.waiting_in(DEAD_QUEUE.name)
        return [(one.body, dict(one.headers)) for one in waiting if one.headers["x-headrace-queue"] == queue.name]

    async def lose_connections(self, broker: Broker) -> None:
        assert isinstance(broker, MemoryBroker)
        broker.lose_connection()


class RabbitSide:
    """RabbitMQ."""

    def __init__(self, url: str, admin: aio_pika.abc.AbstractConnection) -> None:
        self.names = Names()
        self.brokers: list[RabbitBroker] = []
        self._url = url
        self._admin = admin

    async def connect(self) -> Broker:
        broker = await connect(self._url, name=self.names.prefix, partitions=1, timings=QUICK)
        self.brokers.append(broker)
        return broker

    async def put(self, exchange: Exchange, key: str, body: bytes) -> None:
        async with self._admin.channel() as channel:
            target = await channel.get_exchange(exchange.name)
            await target.publish(aio_pika.Message(body), key)

    async def dead(self, queue: Queue) -> list[tuple[bytes, dict[str, Any]]]:
        found = []
        async with self._admin.channel() as channel:  # closing it puts all back
            source = await channel.get_queue(DEAD_QUEUE.name)
            while (message := await source.get(fail=False)) is not None:
                if message.headers.get("x-headrace-queue") == queue.name:
                    found.append(
                        (message.body, {k: v for k, v in message.headers.items() if k.startswith("x-headrace")})
                    )
        return found

    async def lose_connections(self, broker: Broker) -> None:
        assert isinstance(broker, RabbitBroker)
        broker._inbound.cut()
        broker._outbound.cut()

    async def clear(self) -> None:
        """Close what the test opened, remove what it declared."""
        for broker in self.brokers:
            await broker.close()
        async with self._admin.channel() as channel:
            for exchange in (self.names.work, self.names.news):
                await channel.exchange_delete(exchange.name)
            for name in ("queue", "other"):
                await channel.queue_delete(f"{self.names.prefix}.{name}")


@asynccontextmanager
async def rabbit_side(url: str) -> AsyncIterator[RabbitSide]:
    """RabbitMQ for one test."""
    async with await aio_pika.connect(url) as admin:
        side = RabbitSide(url, admin)
        try:
            yield side
        finally:
            await side.clear()


def a_message(number: int = 0) -> StepStartedMessage:
    """Any message; `number` tells it from others."""
    at = datetime(2030, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    ident = f"id-{number}"
    return StepStartedMessage(
        id=ident, occurred_at=at, correlation_id="job", job_id="job", step="build", attempt=number, worker_id="worker"
    )


def outgoing(names: Names, *numbers: int, key: str = "key", is_repeat: bool = False) -> list[Outgoing]:
    """Messages to the work exchange."""
    return [Outgoing(names.work, key, a_message(number), is_repeat=is_repeat) for number in numbers]


async def take_all(subscription: Subscription, count: int) -> list[Delivery]:
    """Take until there are `count`."""
    taken: list[Delivery] = []
    while len(taken) < count:
        taken += await subscription.take(count - len(taken))
    return taken


def numbers_of(deliveries: Sequence[Delivery]) -> list[int]:
    """Which messages these are."""
    return [one.message.attempt for one in deliveries if isinstance(one.message, StepStartedMessage)]


async def silent(subscription: Subscription) -> bool:
    """Whether nothing arrives for a while."""
    taking = asyncio.ensure_future(subscription.take(1))
    done, _ = await asyncio.wait([taking], timeout=0.2)
    taking.cancel()
    await asyncio.wait([taking])
    return not done
