"""Takes messages from a queue in memory."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.broker.envelope import REPEAT_HEADER, dead_headers
from shared.broker.memory_queues import MemoryQueue, MemoryServer, Stored
from shared.broker.ports import Delivery
from shared.broker.topology import DEAD_EXCHANGE, Queue, QueueKind
from shared.errors import Poison
from shared.messages.codec import decode
from shared.telemetry.metrics import MESSAGES_DEAD


@dataclass(frozen=True, slots=True)
class _Tag:
    """Which delivery of which connection."""

    connection: object
    number: int


class MemorySubscription:
    """One queue, at most `prefetch` unacknowledged."""

    def __init__(self, server: MemoryServer, queue: Queue, *, prefetch: int) -> None:
        self._server = server
        self._declared = queue
        self._prefetch = prefetch
        self._keys = dict.fromkeys(queue.keys)
        self._queue: MemoryQueue | None = None
        self._connection = object()
        self._number = 0
        self._counted_from = 0
        self._unsettled: dict[int, Stored] = {}
        self._buffer: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._is_closed = False

    async def take(self, limit: int) -> list[Delivery]:
        while not self._buffer:
            if self._is_closed:
                return []
            self._arrived.clear()
            await self._arrived.wait()
        return [self._buffer.popleft() for _ in range(min(limit, len(self._buffer)))]

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self._settle(deliveries)
        self._hand_out()

    async def give_back(self, deliveries: Sequence[Delivery]) -> None:
        returned = self._settle(deliveries)
        if self._queue is not None:
            self._queue.put_back(returned)
        self._hand_out()

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        for stored in self._settle([delivery]):
            self._bury(stored, reason)
        self._hand_out()

    async def resize(self, prefetch: int) -> None:
        self._prefetch = prefetch
        self._counted_from = self._number
        self._hand_out()

    async def bind(self, key: str) -> None:
        self._keys[key] = None
        if self._queue is not None:
            self._queue.keys[key] = None

    async def unbind(self, key: str) -> None:
        self._keys.pop(key, None)
        if self._queue is not None:
            self._queue.keys.pop(key, None)

    async def close(self) -> None:
        self._is_closed = True
        self.disconnect()
        self._arrived.set()

    def connect(self) -> None:
        """Declare the queue and take from it, unless closed."""
        if self._is_closed or self._queue is not None:
            return
        self._queue = self._server.declare(replace(self._declared, keys=tuple(self._keys)))
        self._queue.add(self)

    def disconnect(self) -> None:
        """Stop taking; what is unsettled goes back, an exclusive queue goes away."""
        queue, self._queue = self._queue, None
        if queue is None:
            return
        self._connection = object()
        self._buffer.clear()
        returned, self._unsettled = list(self._unsettled.values()), {}
        queue.remove(self)
        if self._declared.kind is QueueKind.EXCLUSIVE:
            self._server.delete(queue)
            return
        queue.put_back(returned)
        queue.hand_out()

    @property
    def has_room(self) -> bool:
        """Whether it may be given another message."""
        return sum(number > self._counted_from for number in self._unsettled) < self._prefetch

    def give(self, stored: Stored) -> None:
        """Hand it a message; one that can't be read goes to the dead."""
        try:
            message = decode(stored.body)
        except Poison as error:
            self._bury(stored, error.message)
            return
        self._number += 1
        self._unsettled[self._number] = stored
        is_repeat = stored.is_redelivered or stored.headers.get(REPEAT_HEADER) is True
        self._buffer.append(Delivery(message, is_repeat, _Tag(self._connection, self._number)))
        self._arrived.set()

    def _bury(self, stored: Stored, reason: str) -> None:
        queue = self._queue.declared.name if self._queue is not None else self._declared.name
        headers = dead_headers(reason, exchange=stored.exchange, key=stored.key, queue=queue)
        self._server.route(Stored(DEAD_EXCHANGE.name, "", stored.body, headers))
        MESSAGES_DEAD.labels(self._declared.name or self._declared.bound_to.name).inc()

    def _settle(self, deliveries: Sequence[Delivery]) -> list[Stored]:
        tags = [one.tag for one in deliveries]
        own = [tag.number for tag in tags if isinstance(tag, _Tag) and tag.connection is self._connection]
        return [self._unsettled.pop(number) for number in sorted(own) if number in self._unsettled]

    def _hand_out(self) -> None:
        if self._queue is not None:
            self._queue.hand_out()
