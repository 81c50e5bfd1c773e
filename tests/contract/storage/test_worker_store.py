"""What every worker store does."""

from dataclasses import replace
from datetime import timedelta

from shared.storage.ports import Storage
from shared.storage.records import RunningStep, WorkerRecord
from tests.support.storages import EVER, LONG, NOON

IN_HAND = RunningStep("job-1", "o.n$e", 2)


def a_worker(number: int = 1, *running: RunningStep, status: str = "active") -> WorkerRecord:
    name = f"worker-{number}"
    return WorkerRecord(name, name, ("script", "python"), ("gpu",), True, 4, "0.1.0", status, running)


async def test_a_beat_registers_a_worker_and_stamps_it(storage: Storage) -> None:
    await storage.workers.beat(replace(a_worker(1, IN_HAND), registered_at=NOON, heartbeat_at=NOON))
    kept = await storage.workers.load("worker-1")
    assert kept is not None
    assert kept.registered_at is not None
    assert kept.heartbeat_at is not None
    assert NOON not in (kept.registered_at, kept.heartbeat_at)
    assert replace(kept, registered_at=None, heartbeat_at=None) == a_worker(1, IN_HAND)


async def test_a_later_beat_changes_all_but_the_registration(storage: Storage) -> None:
    await storage.workers.beat(a_worker(1, IN_HAND))
    first = await storage.workers.load("worker-1")
    await storage.workers.beat(a_worker(1, status="draining"))
    later = await storage.workers.load("worker-1")
    assert first is not None
    assert later is not None
    assert later.registered_at == first.registered_at
    assert (later.status, later.running) == ("draining", ())
    assert later.heartbeat_at is not None
    assert first.heartbeat_at is not None
    assert later.heartbeat_at >= first.heartbeat_at


async def test_an_unknown_worker_is_none(storage: Storage) -> None:
    assert await storage.workers.load("worker-9") is None


async def test_silence_is_measured_by_the_databases_clock(storage: Storage) -> None:
    await storage.workers.beat(a_worker(1))
    await storage.workers.beat(a_worker(2, status="draining"))
    assert await storage.workers.find_silent(LONG) == []
    assert {worker.id for worker in await storage.workers.find_silent(EVER)} == {"worker-1", "worker-2"}


async def test_an_inactive_worker_is_silent_no_more_until_it_beats_again(storage: Storage) -> None:
    await storage.workers.beat(a_worker(1))
    for _ in range(2):
        await storage.workers.mark_inactive("worker-1")
        assert await storage.workers.find_silent(EVER) == []
    await storage.workers.beat(a_worker(1))
    assert [worker.status for worker in await storage.workers.find_silent(EVER)] == ["active"]


async def test_marking_an_unknown_worker_makes_none(storage: Storage) -> None:
    await storage.workers.mark_inactive("worker-9")
    assert await storage.workers.list_workers(limit=10, offset=0) == ([], 0)


async def test_holders_are_who_said_lately_that_they_have_the_attempt(storage: Storage) -> None:
    await storage.workers.beat(a_worker(1, RunningStep("job-1", "other", 1), IN_HAND))
    await storage.workers.beat(a_worker(2, replace(IN_HAND, attempt=1)))
    await storage.workers.beat(a_worker(3, replace(IN_HAND, job_id="job-2")))
    await storage.workers.beat(a_worker(4))
    assert await storage.workers.find_holders(IN_HAND, LONG) == ["worker-1"]
    assert await storage.workers.find_holders(IN_HAND, -LONG) == []


async def test_an_attempt_pieced_together_from_two_has_no_holder(storage: Storage) -> None:
    await storage.workers.beat(a_worker(1, replace(IN_HAND, attempt=1), replace(IN_HAND, step="other")))
    assert await storage.workers.find_holders(IN_HAND, LONG) == []


async def test_a_worker_that_left_holds_nothing(storage: Storage) -> None:
    await storage.workers.beat(a_worker(1, IN_HAND))
    await storage.workers.mark_inactive("worker-1")
    assert await storage.workers.find_holders(IN_HAND, LONG) == []


async def test_workers_are_listed_in_pages(storage: Storage) -> None:
    for number in range(5):
        await storage.workers.beat(a_worker(number))
    pages = [await storage.workers.list_workers(limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    listed = [worker for workers, _ in pages for worker in workers]
    assert {worker.id for worker in listed} == {f"worker-{number}" for number in range(5)}
    assert listed == sorted(listed, key=lambda worker: (worker.registered_at or NOON, worker.id), reverse=True)
    assert {count for _, count in pages} == {5}


async def test_a_page_of_no_workers_still_counts(storage: Storage) -> None:
    await storage.workers.beat(a_worker())
    assert await storage.workers.list_workers(limit=0, offset=0) == ([], 1)


async def test_a_span_without_length_is_just_now(storage: Storage) -> None:
    await storage.workers.beat(a_worker())
    assert [worker.id for worker in await storage.workers.find_silent(timedelta(seconds=-1))] == ["worker-1"]
