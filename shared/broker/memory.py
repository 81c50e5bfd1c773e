"""A broker in this process's memory, for tests; the contract suite holds it to what RabbitMQ does."""

import asyncio
from collections.abc import Sequence

from shared.broker.envelope import REPEAT_HEADER, refuse_dead, wrap
from shared.broker.memory_queues import MemoryServer, Stored
from shared.broker.memory_subscription import MemorySubscription
from shared.broker.ports import Outgoing
from shared.broker.topology import Queue, partition_queues
from shared.errors import BrokerUnavailable, Unroutable


class MemoryBroker:
    """One process's view of a MemoryServer; `go_down`, `come_back` and `lose_connection` play the network."""

    def __init__(self, server: MemoryServer | None = None, *, partitions: int = 8) -> None:
        self.server = server or MemoryServer()
        self._is_up = True
        self._is_closed = False
        self._subscriptions: list[MemorySubscription] = []
        for queue in partition_queues(partitions):
            self.server.declare(queue)

    @property
    def is_ready(self) -> bool:
        return self._is_up and not self._is_closed

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        envelopes = [wrap(message) for message in messages]
        await asyncio.sleep(0)
        self._check_up()
        lost = []
        for one in envelopes:
            is_routed = self.server.route(Stored(one.exchange, one.key, one.body, one.headers))
            if not is_routed and not one.is_lossy:
                lost.append(one)
        if lost:
            raise Unroutable(
                f"no queue for {lost[0].exchange} with key {lost[0].key}", message_ids=[one.id for one in lost]
            )

    async def subscribe(self, queue: Queue, *, prefetch: int) -> MemorySubscription:
        self._check_up()
        refuse_dead(queue)
        subscription = MemorySubscription(self.server, queue, prefetch=prefetch)
        subscription.connect()
        self._subscriptions.append(subscription)
        return subscription

    async def declare(self, queue: Queue) -> None:
        self._check_up()
        self.server.declare(queue)

    async def count(self, queue: Queue) -> int:
        self._check_up()
        return len(self.server.waiting_in(queue.name))

    async def close(self) -> None:
        for subscription in self._subscriptions:
            await subscription.close()
        self._is_closed = True

    def go_down(self) -> None:
        """Lose the broker: nothing is published or delivered until `come_back`."""
        self._is_up = False
        for subscription in self._subscriptions:
            subscription.disconnect()

    def come_back(self) -> None:
        """Have the broker again; what was taken and not acknowledged comes again."""
        self._is_up = True
        for subscription in self._subscriptions:
            subscription.connect()

    def lose_connection(self) -> None:
        """Lose the broker for an instant."""
        self.go_down()
        self.come_back()

    def inject(self, exchange: str, key: str, body: bytes, *, is_repeat: bool = False) -> None:
        """Publish any bytes, as some other program might."""
        self.server.route(Stored(exchange, key, body, {REPEAT_HEADER: True} if is_repeat else {}))

    def _check_up(self) -> None:
        if not self.is_ready:
            raise BrokerUnavailable
