"""Exchanges and queues in this process's memory, for tests: what RabbitMQ does, without it."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from shared.broker.topology import EXCHANGES, Exchange, Queue
from shared.errors import Broken


@dataclass(frozen=True, slots=True)
class Stored:
    """A message in a queue."""

    exchange: str
    key: str
    body: bytes
    headers: Mapping[str, str | bool] = field(default_factory=dict)
    is_redelivered: bool = False


class Taker(Protocol):
    """Somebody who takes from a queue."""

    @property
    def has_room(self) -> bool:
        """Whether it may be given another message."""
        ...

    def give(self, stored: Stored) -> None:
        """Hand it a message."""
        ...


class MemoryQueue:
    """Messages that wait, and who takes them, in turn."""

    def __init__(self, declared: Queue) -> None:
        self.declared = declared
        self.keys = dict.fromkeys(declared.keys)
        self.waiting: deque[Stored] = deque()
        self._takers: deque[Taker] = deque()

    def put(self, stored: Stored) -> None:
        """Add a message at the end; over the maximal length the oldest goes."""
        self.waiting.append(stored)
        limit = self.declared.max_length
        while limit is not None and len(self.waiting) > limit:
            self.waiting.popleft()
        self.hand_out()

    def put_back(self, stored: Sequence[Stored]) -> None:
        """Return messages, oldest first, to where they were; they are repeats from now on."""
        self.waiting.extendleft(replace(one, is_redelivered=True) for one in reversed(stored))

    def add(self, taker: Taker) -> None:
        """From now on this one takes too."""
        self._takers.append(taker)
        self.hand_out()

    def remove(self, taker: Taker) -> None:
        """This one takes no more."""
        if taker in self._takers:
            self._takers.remove(taker)

    def hand_out(self) -> None:
        """Give what waits to those who have room."""
        while self.waiting and any(taker.has_room for taker in self._takers):
            taker = self._takers[0]
            self._takers.rotate(-1)
            if taker.has_room:
                taker.give(self.waiting.popleft())


class MemoryServer:
    """The broker that several MemoryBrokers, one for each process, may share."""

    def __init__(self) -> None:
        self._kinds = {exchange.name: exchange.kind for exchange in EXCHANGES}
        self._queues: dict[str, MemoryQueue] = {}
        self._named = 0

    def declare(self, queue: Queue) -> MemoryQueue:
        """The queue, made if there is none; one without a name is always new.

        Raises:
            Broken: it exists with other arguments.
        """
        for exchange in filter(None, (queue.bound_to, queue.dead_letter_to)):
            self._declare_exchange(exchange)
        if not queue.name:
            self._named += 1
            queue = replace(queue, name=f"memory.{self._named}")
        known = self._queues.setdefault(queue.name, MemoryQueue(queue))
        if _arguments(known.declared) != _arguments(queue):
            raise Broken(f"the broker's queue {queue.name} differs from what this version declares: {known.declared}")
        known.keys.update(dict.fromkeys(queue.keys))
        return known

    def delete(self, queue: MemoryQueue) -> None:
        """Remove the queue with all that is in it."""
        self._queues.pop(queue.declared.name, None)

    def route(self, stored: Stored) -> bool:
        """Put it into every queue that is bound to its key; answers whether there was one."""
        kind = self._kinds.get(stored.exchange, "direct")
        reached = [
            queue
            for queue in self._queues.values()
            if queue.declared.bound_to.name == stored.exchange
            and any(is_match(kind, bound, stored.key) for bound in queue.keys)
        ]
        for queue in reached:
            queue.put(stored)
        return bool(reached)

    def waiting_in(self, name: str) -> list[Stored]:
        """What waits in a queue and was given to nobody, oldest first."""
        return list(self._queues[name].waiting) if name in self._queues else []

    def _declare_exchange(self, exchange: Exchange) -> None:
        if self._kinds.setdefault(exchange.name, exchange.kind) != exchange.kind:
            raise Broken(f"the broker's exchange {exchange.name} differs from what this version declares")


def is_match(kind: Literal["direct", "topic", "fanout"], bound: str, key: str) -> bool:
    """Whether a message with `key` reaches a queue bound to `bound`: `#` is any number of words, `*` is one."""
    if kind == "fanout":
        return True
    return _is_topic_match(bound.split("."), key.split(".")) if kind == "topic" else bound == key


def _is_topic_match(bound: Sequence[str], key: Sequence[str]) -> bool:
    if not bound:
        return not key
    if bound[0] == "#":
        return any(_is_topic_match(bound[1:], key[skipped:]) for skipped in range(len(key) + 1))
    return bool(key) and bound[0] in {"*", key[0]} and _is_topic_match(bound[1:], key[1:])


def _arguments(queue: Queue) -> tuple[object, ...]:
    return queue.kind, queue.dead_letter_to, queue.max_length
