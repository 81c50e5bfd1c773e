"""What services ask of a broker."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.broker.topology import Exchange, Queue
from shared.messages.wire import AnyMessage, Message


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way out.

    `is_repeat` marks another copy of a message that may have been published before; receivers look before they act.
    `is_lossy` is for hints: no queue is no failure.
    """

    exchange: Exchange
    key: str
    message: Message
    is_repeat: bool = False
    is_lossy: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """A message that arrived, to be acknowledged once what it stands for is written.

    `is_repeat`: the broker or the publisher says that an earlier copy may have been delivered.
    `tag` belongs to the adapter.
    """

    message: AnyMessage
    is_repeat: bool = False
    tag: object = field(default=None, repr=False)


class Subscription(Protocol):
    """Messages from one queue; it outlives reconnects. Deliveries of a lost connection come again as repeats."""

    async def take(self, limit: int) -> list[Delivery]:
        """What is there, at least one and at most `limit`, in order; waits for the first. Empty only after `close`.

        Bodies that can't be decoded never show up here: they went to `headrace.dead` with their reason.
        """
        ...

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker that these are done. Repeats: harmless, also after a reconnect."""
        ...

    async def give_back(self, deliveries: Sequence[Delivery]) -> None:
        """Put these back into the queue for somebody else. Repeats: harmless."""
        ...

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Move it to `headrace.dead` with the reason, then acknowledge it. Repeats: harmless."""
        ...

    async def resize(self, prefetch: int) -> None:
        """From now on let at most `prefetch` be unacknowledged beside what was delivered so far; 0 pauses.

        Deliveries in hand stay so. After a reconnect the same number holds for all.

        Raises:
            BrokerUnavailable: no answer; the number holds from the next connection on, which is being made.
        """
        ...

    async def bind(self, key: str) -> None:
        """Also receive this key, until `unbind`; kept over reconnects. Returns once it is in force."""
        ...

    async def unbind(self, key: str) -> None:
        """No longer receive this key. Repeats: harmless."""
        ...

    async def close(self) -> None:
        """Take no more; what was taken and not acknowledged goes back to the queue. Pending `take` answers empty."""
        ...


class Broker(Protocol):
    """A broker as a service sees it; one for each process."""

    @property
    def is_ready(self) -> bool:
        """Whether it is connected, set up and not blocked, with every subscription in place."""
        ...

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Send all, pipelined; return when each is confirmed by the broker.

        Raises:
            BrokerUnavailable: no connection within the deadline, a nack, or the connection broke: unknown which were
                kept.
            Rejected: a body or key is too long; none was sent.
            Unroutable: a message that is not lossy has no queue.
        Repeats: the receiver drops them by message id and attempt; set `is_repeat`.
        """
        ...

    async def subscribe(self, queue: Queue, *, prefetch: int) -> Subscription:
        """Declare the queue (with what it is bound to) and take from it; at most `prefetch` unacknowledged."""
        ...

    async def declare(self, queue: Queue) -> None:
        """Make sure that the queue exists. Repeats: harmless.

        Raises:
            Broken: it exists with other arguments; the message names the difference.
        """
        ...

    async def count(self, queue: Queue) -> int:
        """How many messages wait in the queue and are in nobody's hands; 0 where there is no such queue.

        Raises:
            BrokerUnavailable: no answer.
        """
        ...

    async def close(self) -> None:
        """Stop subscriptions, wait for open confirms for a moment, disconnect."""
        ...
