"""The exchanges and queues say what the services rely on."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.broker import topology
from shared.broker.memory_queues import is_match
from shared.broker.topology import (
    DEAD_EXCHANGE,
    DEAD_QUEUE,
    EXCHANGES,
    LOG_STORE_QUEUE,
    Exchange,
    Queue,
    QueueKind,
    announcement_queue,
    control_queue,
    event_queue,
    live_log_queue,
    partition_of,
    partition_queues,
    step_queue,
)
from shared.broker.unsettled import Unsettled
from shared.engine.identity import derive_id

NAMED = (DEAD_QUEUE, LOG_STORE_QUEUE, event_queue(3), step_queue("script+eu"))
OWN = (live_log_queue(), control_queue("all"), announcement_queue("job.*"))


def test_every_exchange_is_declared() -> None:
    declared = [value for value in vars(topology).values() if isinstance(value, Exchange)]
    assert Counter(declared) == Counter(EXCHANGES)


@pytest.mark.parametrize("queue", NAMED, ids=lambda queue: queue.name)
def test_what_must_not_be_lost_lies_in_a_replicated_queue(queue: Queue) -> None:
    assert queue.kind is QueueKind.QUORUM
    assert queue.name.startswith("headrace.")


@pytest.mark.parametrize("queue", NAMED, ids=lambda queue: queue.name)
def test_what_the_broker_gives_up_is_kept_among_the_dead(queue: Queue) -> None:
    assert queue.dead_letter_to == (None if queue is DEAD_QUEUE else DEAD_EXCHANGE)


@pytest.mark.parametrize("queue", OWN, ids=lambda queue: queue.bound_to.name)
def test_a_process_own_queue_is_named_by_the_broker_and_goes_with_it(queue: Queue) -> None:
    assert queue.kind is QueueKind.EXCLUSIVE
    assert queue.name == ""


def test_no_two_queues_share_a_name() -> None:
    names = [queue.name for queue in (*partition_queues(256), step_queue("script"))]
    assert len(set(names)) == len(names)


def test_a_queue_gets_what_is_published_for_it() -> None:
    assert step_queue("docker").keys == ("docker",)
    assert event_queue(5).keys == ("5",)
    assert is_match(LOG_STORE_QUEUE.bound_to.kind, LOG_STORE_QUEUE.keys[0], derive_id_of(1))


def test_a_job_stays_in_its_partition() -> None:
    assert partition_of("0190d5a0-0000-7000-8000-000000000000", 8) == 1
    assert partition_of("0190d5a0-0000-7000-8000-000000000000", 1) == 0


def test_jobs_are_spread_over_the_partitions() -> None:
    share = Counter(partition_of(derive_id_of(number), 8) for number in range(8000))
    assert set(share) == set(range(8))
    assert max(share.values()) < 1200


def derive_id_of(number: int) -> str:
    """A job id."""
    return derive_id(datetime(2030, 1, 1, tzinfo=UTC), "job", number)


@pytest.mark.parametrize(
    ("kind", "bound", "key", "is_reached"),
    [
        ("direct", "a", "a", True),
        ("direct", "*", "a", False),
        ("direct", "a", "a.b", False),
        ("fanout", "", "anything", True),
        ("topic", "#", "", True),
        ("topic", "#", "a.b.c", True),
        ("topic", "*", "a", True),
        ("topic", "*", "a.b", False),
        ("topic", "a.#", "a", True),
        ("topic", "a.#.c", "a.c", True),
        ("topic", "a.#.c", "a.b.b.c", True),
        ("topic", "a.#.c", "a.b", False),
        ("topic", "a.*.c", "a.c", False),
    ],
)
def test_keys_match_as_amqp_says(kind: str, bound: str, key: str, is_reached: bool) -> None:  # noqa: FBT001 - a table
    assert is_match(kind, bound, key) is is_reached  # type: ignore[arg-type]  # one of the three


def test_what_is_settled_in_a_row_is_told_in_one() -> None:
    unsettled = Unsettled()
    for tag in (1, 2, 3, 4, 5):
        unsettled.add(tag)
    assert unsettled.settle([5, 3, 1, 2, 9]) == [(3, True), (5, False)]
    assert unsettled.settle([1, 4]) == [(4, False)]
    assert unsettled.settle([4]) == []
    assert len(unsettled) == 0


def test_no_exchange_or_queue_is_named_outside_of_the_topology() -> None:
    root = Path(topology.__file__).parents[2]
    name = re.compile(r"[\"']headrace\.(steps|events|logs|control|announcements|dead)\b")
    files = [path for folder in ("shared", "services") for path in (root / folder).rglob("*.py")]
    assert [str(path.relative_to(root)) for path in files if name.search(path.read_text(encoding="utf-8"))] == [
        "shared/broker/topology.py"
    ]
