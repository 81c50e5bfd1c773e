"""What every timer store does."""

from datetime import timedelta

from shared.engine.states import TimerKind
from shared.storage.ports import Storage
from shared.storage.records import Timer
from tests.support.storages import NOON

SECOND = timedelta(seconds=1)


def a_timer(number: int, *, job: str = "job-1", after: int | None = None) -> Timer:
    due_at = NOON + SECOND * (number if after is None else after)
    return Timer(f"{job}/step/{number}/timer", job, TimerKind.STEP_TIMEOUT, due_at, "step", number)


async def test_timers_are_due_from_their_moment_on_earliest_first(storage: Storage) -> None:
    await storage.timers.put([a_timer(3), a_timer(1), a_timer(2)])
    assert await storage.timers.find_due(NOON + SECOND - timedelta(milliseconds=1), 10) == []
    assert await storage.timers.find_due(NOON + SECOND * 2, 10) == [a_timer(1), a_timer(2)]
    assert await storage.timers.find_due(NOON + SECOND * 9, 2) == [a_timer(1), a_timer(2)]


async def test_timers_of_one_moment_have_one_order(storage: Storage) -> None:
    await storage.timers.put([a_timer(number, after=0) for number in (3, 1, 2)])
    assert await storage.timers.find_due(NOON, 2) == [a_timer(1, after=0), a_timer(2, after=0)]


async def test_a_timer_that_exists_is_left_as_it_is(storage: Storage) -> None:
    await storage.timers.put([a_timer(1)])
    await storage.timers.put([a_timer(1, after=50), a_timer(2)])
    assert await storage.timers.find_due(NOON + SECOND * 99, 10) == [a_timer(1), a_timer(2)]


async def test_a_jobs_own_timer_has_no_step(storage: Storage) -> None:
    timer = Timer("job-1//0/timer", "job-1", TimerKind.JOB_TIMEOUT, NOON)
    await storage.timers.put([timer])
    assert await storage.timers.find_due(NOON, 1) == [timer]


async def test_the_next_timer_is_the_earliest(storage: Storage) -> None:
    assert await storage.timers.next_due_at() is None
    await storage.timers.put([a_timer(5), a_timer(4)])
    assert await storage.timers.next_due_at() == NOON + SECOND * 4


async def test_timers_are_removed_one_by_one(storage: Storage) -> None:
    await storage.timers.put([a_timer(1), a_timer(2), a_timer(3, job="job-2")])
    for _ in range(2):
        await storage.timers.remove([a_timer(1).id])
        assert await storage.timers.find_due(NOON + SECOND * 9, 10) == [a_timer(2), a_timer(3, job="job-2")]


async def test_timers_are_found_by_their_jobs(storage: Storage) -> None:
    await storage.timers.put([a_timer(1), a_timer(2), a_timer(3, job="job-2"), a_timer(4, job="job-3")])
    assert await storage.timers.find_of(["job-2", "job-3", "unknown"]) == [
        a_timer(3, job="job-2"),
        a_timer(4, job="job-3"),
    ]
    assert await storage.timers.find_of([]) == []


async def test_nothing_is_put_or_removed_for_nothing(storage: Storage) -> None:
    await storage.timers.put([a_timer(1)])
    await storage.timers.put([])
    await storage.timers.remove([])
    assert await storage.timers.find_due(NOON + SECOND, 10) == [a_timer(1)]
