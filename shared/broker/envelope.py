"""What travels around a message: its AMQP properties."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from aiormq import spec
from aiormq.abc import DeliveredMessage

from shared.broker.ports import Outgoing
from shared.broker.topology import DEAD_EXCHANGE, EVENT_EXCHANGE, LOG_EXCHANGE, STEP_EXCHANGE, Queue
from shared.errors import Rejected
from shared.messages.codec import encode

LARGEST_BODY_BYTES = 16 * 1024 * 1024  # RabbitMQ's own default limit since 4.0
LONGEST_SHORT_BYTES = 255  # AMQP's short strings: keys and ids
REPEAT_HEADER = "x-headrace-repeat"
DURABLE_EXCHANGES = frozenset(one.name for one in (STEP_EXCHANGE, EVENT_EXCHANGE, LOG_EXCHANGE, DEAD_EXCHANGE))
_ON_DISK, _IN_MEMORY = 2, 1  # AMQP delivery modes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message ready to send."""

    exchange: str
    key: str
    body: bytes
    id: str
    type: str = ""
    correlation_id: str = ""
    occurred_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    headers: Mapping[str, str | bool] = field(default_factory=dict)
    is_lossy: bool = False

    def properties(self) -> spec.Basic.Properties:
        """The AMQP properties; what a service publishes to keep is written to disk."""
        return spec.Basic.Properties(
            content_type="application/json",
            message_id=self.id,
            message_type=self.type,
            correlation_id=_short(self.correlation_id),
            timestamp=self.occurred_at.astimezone(UTC),
            delivery_mode=_ON_DISK if self.exchange in DURABLE_EXCHANGES else _IN_MEMORY,
            headers=dict(self.headers) or None,
        )


def wrap(outgoing: Outgoing) -> Envelope:
    """The message, ready to send.

    Raises:
        Rejected: its body or key is too long.
    """
    message = outgoing.message
    body = encode(message)
    if len(body) > LARGEST_BODY_BYTES:
        raise Rejected(
            f"message {message.id} has {len(body)} bytes, at most {LARGEST_BODY_BYTES} travel",
            size_bytes=len(body),
            limit_bytes=LARGEST_BODY_BYTES,
        )
    if len(outgoing.key.encode()) > LONGEST_SHORT_BYTES:
        raise Rejected(f"key {outgoing.key!r} has more than {LONGEST_SHORT_BYTES} bytes")
    return Envelope(
        exchange=outgoing.exchange.name,
        key=outgoing.key,
        body=body,
        id=_short(message.id),
        type=getattr(message, "type", ""),
        correlation_id=message.correlation_id,
        occurred_at=message.occurred_at,
        headers={REPEAT_HEADER: True} if outgoing.is_repeat else {},
        is_lossy=outgoing.is_lossy,
    )


def dead(raw: DeliveredMessage, queue: str, reason: str) -> Envelope:
    """A delivery that nobody can handle, as it came, with why and where from."""
    properties = raw.header.properties
    return Envelope(
        exchange=DEAD_EXCHANGE.name,
        key="",
        body=raw.body,
        id=properties.message_id or sha256(raw.body).hexdigest(),
        type=properties.message_type or "",
        correlation_id=properties.correlation_id or "",
        headers=dead_headers(reason, exchange=raw.exchange or "", key=raw.routing_key or "", queue=queue),
    )


def dead_headers(reason: str, *, exchange: str, key: str, queue: str) -> dict[str, str | bool]:
    """Why a message is dead and where it was."""
    return {
        "x-headrace-reason": reason,
        "x-headrace-exchange": exchange,
        "x-headrace-key": key,
        "x-headrace-queue": queue,
    }


def refuse_dead(queue: Queue) -> None:
    """Nobody subscribes to the dead: what can't be read would be put aside into the queue that it came from.

    Raises:
        Rejected: the queue is one of the dead.
    """
    if queue.bound_to == DEAD_EXCHANGE:
        raise Rejected(f"{queue.name} is read by tools, not by a subscription")


def is_repeat(raw: DeliveredMessage) -> bool:
    """Whether the broker or the publisher says that there may have been an earlier copy."""
    headers = raw.header.properties.headers or {}
    return bool(raw.redelivered) or headers.get(REPEAT_HEADER) is True


def _short(text: str) -> str:
    """The text, or its digest where AMQP has no room for it; the body has the whole one."""
    encoded = text.encode()
    return text if len(encoded) <= LONGEST_SHORT_BYTES else sha256(encoded).hexdigest()
