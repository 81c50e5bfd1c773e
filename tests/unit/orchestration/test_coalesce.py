"""Concurrent calls share round trips, and none of them is lost with another."""

import asyncio
import random
from contextlib import suppress

import pytest

from shared.orchestration.coalesce import Coalescer


class Service:
    """Squares numbers; each round begins when the test lets it."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def work(self, items: list[int]) -> list[int]:
        self.rounds.append(items)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [item * item for item in items]


@pytest.fixture
def service() -> Service:
    return Service()


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_calls_that_arrive_during_a_round_share_the_next_one(service: Service) -> None:
    coalescer = Coalescer[int, int](service.work, limit=10)
    calls = [asyncio.ensure_future(coalescer.ask([number])) for number in range(1, 6)]
    await _settle()
    service.gate.set()
    assert [list(answer) for answer in await asyncio.gather(*calls)] == [[1], [4], [9], [16], [25]]
    assert service.rounds == [[1], [2, 3, 4, 5]]


async def test_each_caller_gets_the_answers_to_its_own_items_in_order(service: Service) -> None:
    coalescer = Coalescer[int, int](service.work, limit=10)
    service.gate.set()
    first, second, third = await asyncio.gather(coalescer.ask([1]), coalescer.ask([2, 3]), coalescer.ask([4]))
    assert (list(first), list(second), list(third)) == ([1], [4, 9], [16])


async def test_a_round_holds_at_most_the_limit_but_never_splits_a_caller(service: Service) -> None:
    coalescer = Coalescer[int, int](service.work, limit=2)
    calls = [asyncio.ensure_future(coalescer.ask(items)) for items in ([1], [2], [3, 4, 5], [6])]
    await _settle()
    service.gate.set()
    await asyncio.gather(*calls)
    assert service.rounds == [[1], [2], [3, 4, 5], [6]]


async def test_an_error_reaches_every_caller_of_its_round_and_no_other(service: Service) -> None:
    coalescer = Coalescer[int, int](service.work, limit=10)
    service.error = ValueError("down")
    calls = [asyncio.ensure_future(coalescer.ask([number])) for number in (1, 2, 3)]
    await _settle()
    service.gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(answer, ValueError) for answer in answers)
    service.error = None
    assert list(await coalescer.ask([7])) == [49]


async def test_when_the_caller_at_work_gives_up_the_others_repeat_the_work(service: Service) -> None:
    coalescer = Coalescer[int, int](service.work, limit=10)
    calls = [asyncio.ensure_future(coalescer.ask([number])) for number in (1, 2, 3)]
    await _settle()
    calls[0].cancel()
    await _settle()
    service.gate.set()
    assert [list(answer) for answer in await asyncio.gather(*calls[1:])] == [[4], [9]]


async def test_a_caller_that_gives_up_while_waiting_is_left_out(service: Service) -> None:
    coalescer = Coalescer[int, int](service.work, limit=10)
    calls = [asyncio.ensure_future(coalescer.ask([number])) for number in (1, 2, 3)]
    await _settle()
    calls[1].cancel()
    await _settle()
    service.gate.set()
    assert list(await calls[2]) == [9]
    assert service.rounds == [[1], [3]]


async def test_a_caller_that_gives_up_just_when_its_turn_comes_passes_it_on(service: Service) -> None:
    coalescer = Coalescer[int, int](service.work, limit=1)
    calls = [asyncio.ensure_future(coalescer.ask([number])) for number in (1, 2, 3)]
    await _settle()
    service.gate.set()
    await asyncio.sleep(0)
    calls[1].cancel()
    assert list(await calls[2]) == [9]
    assert list(await calls[0]) == [1]


@pytest.mark.parametrize("seed", range(30))
async def test_whoever_gives_up_or_fails_at_whatever_moment_nobody_else_waits_for_ever(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated

    async def work(items: list[int]) -> list[int]:
        await asyncio.sleep(0)
        if chance.random() < 0.2:
            raise ValueError("down")
        return [item * item for item in items]

    coalescer = Coalescer[int, int](work, limit=5)

    async def call(number: int) -> None:
        for _ in range(5):
            items = list(range(number, number + chance.randint(0, 8)))
            with suppress(ValueError):
                assert list(await coalescer.ask(items)) == [item * item for item in items]

    calls = [asyncio.ensure_future(call(number)) for number in range(20)]
    for _ in range(30):
        chance.choice(calls).cancel()
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(answer is None or isinstance(answer, asyncio.CancelledError) for answer in answers)
    assert list(await coalescer_answers(coalescer)) == [49]


async def coalescer_answers(coalescer: Coalescer[int, int]) -> list[int]:
    """What it answers once the world is well again."""
    while True:
        with suppress(ValueError):
            return list(await coalescer.ask([7]))
