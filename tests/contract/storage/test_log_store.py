"""What every log store does."""

import asyncio
from datetime import timedelta

from shared.storage.ports import Storage
from shared.storage.records import LogChunk
from tests.support.storages import NOON

SECOND = timedelta(seconds=1)


def a_chunk(
    first: int, count: int = 3, *, job: str = "job-1", step: str = "one", attempt: int = 1, after: int = 0
) -> LogChunk:
    """Lines from sequence `first` on, a microsecond apart, the first one `after` seconds."""
    begin = NOON + SECOND * after
    lines = tuple(
        (begin + timedelta(microseconds=number), ("stdout", "stderr")[number % 2], f"line {first + number}")
        for number in range(count)
    )
    return LogChunk(job, step, attempt, first, lines)


async def read_all(storage: Storage, job: str = "job-1", step: str | None = None) -> list[LogChunk]:
    return [chunk async for chunk in storage.logs.read(job, step=step)]


async def test_lines_come_back_to_the_microsecond(storage: Storage) -> None:
    texts = ("", "é\u2028\x00\x1b[31m\r", '{"$a.b": "c"}', "😀" * 1000)
    at = NOON + timedelta(microseconds=123_457)
    chunk = LogChunk("job-1", "s.t$e/p %", 1, 0, tuple((at, "stdout", text) for text in texts))
    await storage.logs.append([chunk])
    assert await read_all(storage) == [chunk]


async def test_a_repeated_chunk_is_left_as_it_is(storage: Storage) -> None:
    await storage.logs.append([a_chunk(0)])
    await storage.logs.append([a_chunk(0, count=9), a_chunk(3)])
    await asyncio.gather(*(storage.logs.append([a_chunk(0), a_chunk(3), a_chunk(6)]) for _ in range(4)))
    assert await storage.logs.read_range("job-1", "one", 1, first=0, limit=9) == [a_chunk(0), a_chunk(3), a_chunk(6)]
    assert await storage.logs.count_lines("job-1") == {("one", 1): 9}


async def test_a_chunk_without_lines_is_nothing(storage: Storage) -> None:
    await storage.logs.append([LogChunk("job-1", "one", 1, 0), a_chunk(0)])
    await storage.logs.append([])
    assert await read_all(storage) == [a_chunk(0)]


async def test_a_job_is_read_by_time_then_step_then_attempt_then_sequence(storage: Storage) -> None:
    wanted = [
        a_chunk(0, step="two", after=0),
        a_chunk(0, step="a", after=1),
        a_chunk(0, step="a", attempt=2, after=1),
        a_chunk(3, step="a", attempt=2, after=1),
        a_chunk(0, step="a-b", after=1),
        a_chunk(0, step="one", after=2),
    ]
    await storage.logs.append([*reversed(wanted), a_chunk(0, job="job-2")])
    assert await read_all(storage) == wanted


async def test_one_step_is_read_alone(storage: Storage) -> None:
    await storage.logs.append([a_chunk(0, step="one"), a_chunk(0, step="two"), a_chunk(0, attempt=2, after=1)])
    assert await read_all(storage, step="one") == [a_chunk(0), a_chunk(0, attempt=2, after=1)]
    assert await read_all(storage, step="three") == []


async def test_a_long_log_is_read_in_order(storage: Storage) -> None:
    chunks = [a_chunk(number * 3, after=number) for number in range(100)]
    await storage.logs.append(chunks)
    assert await read_all(storage) == chunks


async def test_a_range_begins_with_the_chunk_that_holds_its_first_line(storage: Storage) -> None:
    chunks = [a_chunk(first) for first in (0, 3, 6, 9)]
    await storage.logs.append([*chunks, a_chunk(0, attempt=2), a_chunk(12, step="two")])

    async def ask(first: int, limit: int = 10) -> list[LogChunk]:
        return await storage.logs.read_range("job-1", "one", 1, first=first, limit=limit)

    assert await ask(0) == chunks
    assert await ask(5) == chunks[1:]
    assert await ask(6, limit=1) == chunks[2:3]
    assert await ask(11) == chunks[3:]
    assert await ask(12) == []


async def test_lines_are_counted_by_attempt(storage: Storage) -> None:
    await storage.logs.append(
        [a_chunk(0), a_chunk(3, 2), a_chunk(0, attempt=2), a_chunk(0, 1, step="_server", attempt=0)]
    )
    assert await storage.logs.count_lines("job-1") == {("one", 1): 5, ("one", 2): 3, ("_server", 0): 1}
    assert await storage.logs.count_lines("job-2") == {}


async def test_a_full_chunk_fits(storage: Storage) -> None:
    lines = tuple((NOON, "stdout", "x" * 63) for _ in range(1024))
    await storage.logs.append([LogChunk("job-1", "one", 1, 0, lines)])
    assert (await read_all(storage))[0].lines == lines
