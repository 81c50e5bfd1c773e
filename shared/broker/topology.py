"""Exchanges and queues as values; declared from here and nowhere else."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from zlib import crc32


class QueueKind(StrEnum):
    """How a queue keeps its messages."""

    QUORUM = "quorum"  # durable, replicated
    EXCLUSIVE = "exclusive"  # one process's own, gone with it


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where messages are published."""

    name: str
    kind: Literal["direct", "topic", "fanout"]


@dataclass(frozen=True, slots=True)
class Queue:
    """Where messages wait; `name` is empty for an exclusive queue, which the broker names."""

    name: str
    kind: QueueKind
    bound_to: Exchange
    keys: tuple[str, ...]
    dead_letter_to: Exchange | None = None
    max_length: int | None = None


STEP_EXCHANGE = Exchange("headrace.steps", "direct")
EVENT_EXCHANGE = Exchange("headrace.events", "direct")
LOG_EXCHANGE = Exchange("headrace.logs", "topic")
CONTROL_EXCHANGE = Exchange("headrace.control", "topic")
ANNOUNCEMENT_EXCHANGE = Exchange("headrace.announcements", "topic")
DEAD_EXCHANGE = Exchange("headrace.dead", "fanout")
EXCHANGES = (STEP_EXCHANGE, EVENT_EXCHANGE, LOG_EXCHANGE, CONTROL_EXCHANGE, ANNOUNCEMENT_EXCHANGE, DEAD_EXCHANGE)

DEAD_QUEUE = Queue("headrace.dead", QueueKind.QUORUM, DEAD_EXCHANGE, ("",))
LOG_STORE_QUEUE = Queue("headrace.logs.store", QueueKind.QUORUM, LOG_EXCHANGE, ("#",), DEAD_EXCHANGE)


def step_queue(route: str) -> Queue:
    """The queue of a route: what workers that cover it take from."""
    return Queue(f"headrace.steps.{route}", QueueKind.QUORUM, STEP_EXCHANGE, (route,), DEAD_EXCHANGE)


def event_queue(partition: int) -> Queue:
    """The queue of a partition: what the dispatcher that leases it takes from."""
    return Queue(f"headrace.events.{partition}", QueueKind.QUORUM, EVENT_EXCHANGE, (str(partition),), DEAD_EXCHANGE)


def live_log_queue() -> Queue:
    """An api instance's own queue of live logs; keys (job ids) are bound while somebody watches."""
    return Queue("", QueueKind.EXCLUSIVE, LOG_EXCHANGE, ())


def control_queue(*keys: str) -> Queue:
    """A process's own queue of control messages, e.g. for `worker.<id>` and `all`."""
    return Queue("", QueueKind.EXCLUSIVE, CONTROL_EXCHANGE, keys)


def announcement_queue(*keys: str) -> Queue:
    """An api instance's own queue of state changes."""
    return Queue("", QueueKind.EXCLUSIVE, ANNOUNCEMENT_EXCHANGE, keys)


def partition_of(job_id: str, partitions: int) -> int:
    """The event partition of a job, 0 to `partitions` - 1."""
    return crc32(job_id.encode()) % partitions


def partition_queues(partitions: int) -> tuple[Queue, ...]:
    """Every durable queue that exists from the start."""
    return (DEAD_QUEUE, LOG_STORE_QUEUE, *(event_queue(number) for number in range(partitions)))
