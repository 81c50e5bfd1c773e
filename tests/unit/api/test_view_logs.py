"""What one viewer of a log sees."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from services.api.live_feed import Feed
from services.api.view_logs import FRAME_BYTES, NORMAL, TRY_AGAIN, LogView
from shared.engine.job import Job
from shared.engine.states import JobStatus
from shared.errors import StoreUnavailable
from shared.runtime.clock import SystemClock
from shared.storage.memory_content import MemoryLogs
from shared.storage.records import LogChunk
from tests.support.eventually import eventually
from tests.unit.api.logbook import QUICK, chunk, ended_job, live, numbered, parse, running_job, texts


@dataclass
class Viewer:
    """A viewer under test and what it was shown."""

    job: Job
    logs: MemoryLogs = field(default_factory=MemoryLogs)
    feed: Feed = field(default_factory=Feed)
    frames: list[str] = field(default_factory=list)
    can_take: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def shown(self) -> str:
        return "".join(self.frames)

    async def send(self, frame: str) -> None:
        await self.can_take.wait()
        self.frames.append(frame)

    async def run(self, *, skip_backfill: bool = False) -> int:
        self.can_take.set()
        return await self.view().run(skip_backfill=skip_backfill)

    def view(self) -> LogView:
        return LogView(self.job, self.feed, self.logs, self.send, SystemClock(), QUICK)

    @asynccontextmanager
    async def running(self, *, is_slow: bool = False) -> AsyncIterator[asyncio.Task[int]]:
        if not is_slow:
            self.can_take.set()
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.view().run())
            yield task
            await task


async def test_the_whole_stored_log_is_the_first_frame() -> None:
    viewer = Viewer(ended_job({"a": 5, "b": 2}))
    await viewer.logs.append([chunk("a", 0, 3), chunk("a", 3, 2), chunk("b", 0, 2)])
    assert await viewer.run() == NORMAL
    assert len(viewer.frames) == 1
    assert texts(viewer.shown, "a") == numbered(5)
    assert list(parse(viewer.shown)[0]) == ["ts", "stream", "step", "line"]


async def test_a_large_stored_log_comes_in_frames_of_at_most_a_mebibyte() -> None:
    viewer = Viewer(ended_job({"a": 50_000}))
    await viewer.logs.append([chunk("a", first, 1_000) for first in range(0, 50_000, 1_000)])
    assert await viewer.run() == NORMAL
    assert len(viewer.frames) > 1
    assert max(len(frame.encode()) for frame in viewer.frames) <= FRAME_BYTES
    assert texts(viewer.shown, "a") == numbered(50_000)


async def test_an_empty_log_of_an_ended_job_closes_without_a_frame() -> None:
    viewer = Viewer(ended_job({"a": 0}))
    assert await viewer.run() == NORMAL
    assert viewer.frames == []


async def test_live_chunks_that_were_stored_already_are_shown_once() -> None:
    viewer = Viewer(running_job("a"))
    await viewer.logs.append([chunk("a", 0, 4)])
    viewer.feed.offer(live(chunk("a", 0, 4)))
    viewer.feed.offer(live(chunk("a", 2, 4)))
    viewer.feed.tell(ended_job({"a": 6}))
    assert await viewer.run() == NORMAL
    assert texts(viewer.shown, "a") == numbered(6)


async def test_chunks_out_of_order_are_shown_in_order_from_the_store() -> None:
    viewer = Viewer(running_job("a"))
    async with viewer.running():
        viewer.feed.offer(live(chunk("a", 3, 3)))
        viewer.feed.offer(live(chunk("a", 0, 3)))
        await eventually(lambda: texts(viewer.shown, "a") == numbered(3))
        await viewer.logs.append([chunk("a", 0, 3), chunk("a", 3, 3)])
        viewer.feed.tell(ended_job({"a": 6}))
    assert texts(viewer.shown, "a") == numbered(6)


async def test_a_gap_in_the_stored_log_waits_for_its_lines() -> None:
    viewer = Viewer(ended_job({"a": 9}))
    await viewer.logs.append([chunk("a", 0, 3), chunk("a", 6, 3)])
    async with viewer.running():
        await eventually(lambda: texts(viewer.shown, "a") == numbered(3))
        await viewer.logs.append([chunk("a", 3, 3)])
    assert texts(viewer.shown, "a") == numbered(9)


async def test_lines_that_never_arrive_are_named_and_the_rest_is_shown() -> None:
    viewer = Viewer(ended_job({"a": 9}))
    await viewer.logs.append([chunk("a", 0, 3), chunk("a", 6, 3)])
    assert await viewer.run() == NORMAL
    assert texts(viewer.shown, "a") == [*numbered(3), "line 6", "line 7", "line 8"]
    (told,) = [line for line in parse(viewer.shown) if line["step"] == "_server"]
    assert told["line"] == "[logs] lines 3 to 5 of step 'a', attempt 1, are missing"
    assert told["stream"] == "stderr"


async def test_a_gap_of_one_step_does_not_hold_another() -> None:
    viewer = Viewer(running_job("a", "b"))
    async with viewer.running():
        viewer.feed.offer(live(chunk("a", 5, 1)))
        viewer.feed.offer(live(chunk("b", 0, 3)))
        await eventually(lambda: texts(viewer.shown, "b") == numbered(3))
        assert texts(viewer.shown, "a") == []
        await viewer.logs.append([chunk("a", 0, 5), chunk("a", 5, 1), chunk("b", 0, 3)])
        viewer.feed.tell(ended_job({"a": 6, "b": 3}))
    assert texts(viewer.shown, "a") == numbered(6)


async def test_the_end_waits_until_every_counted_line_was_shown() -> None:
    viewer = Viewer(running_job("a"))
    async with viewer.running() as task:
        viewer.feed.offer(live(chunk("a", 0, 2)))
        viewer.feed.tell(ended_job({"a": 4}, server_lines=1))
        await eventually(lambda: texts(viewer.shown, "a") == numbered(2))
        assert not task.done()
        await viewer.logs.append([chunk("a", 0, 2), chunk("a", 2, 2), chunk("_server", 0, 1, attempt=0)])
    assert texts(viewer.shown, "a") == numbered(4)
    assert texts(viewer.shown, "_server") == ["line 0"]


async def test_a_cancelled_job_whose_step_is_still_being_killed_goes_on() -> None:
    viewer = Viewer(running_job("a"))
    async with viewer.running() as task:
        viewer.feed.tell(replace(running_job("a"), status=JobStatus.CANCELLED, open_steps=1))
        viewer.feed.offer(live(chunk("a", 0, 2)))
        await eventually(lambda: texts(viewer.shown, "a") == numbered(2))
        assert not task.done()
        viewer.feed.tell(replace(ended_job({"a": 2}), status=JobStatus.CANCELLED))
    assert task.result() == NORMAL


async def test_last_lines_of_a_lost_worker_are_awaited_for_a_moment() -> None:
    viewer = Viewer(ended_job({"a": None}))
    async with viewer.running():
        await viewer.logs.append([chunk("a", 0, 2)])
    assert texts(viewer.shown, "a") == numbered(2)


async def test_attempts_count_their_lines_apart() -> None:
    job = ended_job({"a": 2})
    step = replace(job.steps["a"], attempt=2, log_lines={"1": 3, "2": 2})
    viewer = Viewer(replace(job, steps={"a": step}))
    await viewer.logs.append([chunk("a", 0, 3, attempt=1), chunk("a", 0, 2, attempt=2)])
    assert await viewer.run() == NORMAL
    assert sorted(texts(viewer.shown, "a")) == sorted(numbered(3) + numbered(2))


async def test_a_slow_viewer_reads_from_the_store_what_its_mailbox_dropped() -> None:
    viewer = Viewer(running_job("a"), feed=Feed(limit_bytes=10_000, limit_chunks=10))
    chunks = [chunk("a", first, 10) for first in range(0, 1_000, 10)]
    async with viewer.running(is_slow=True):
        viewer.feed.offer(live(chunks[0]))
        await asyncio.sleep(0)
        for one in chunks[1:]:
            viewer.feed.offer(live(one))
        await viewer.logs.append(chunks)
        viewer.feed.tell(ended_job({"a": 1_000}))
        viewer.can_take.set()
    assert texts(viewer.shown, "a") == numbered(1_000)


async def test_a_client_that_takes_nothing_is_given_up() -> None:
    viewer = Viewer(ended_job({"a": 1}))
    await viewer.logs.append([chunk("a", 0, 1)])
    with pytest.raises(TimeoutError):
        await viewer.view().run()


async def test_without_backfill_only_later_lines_are_shown() -> None:
    viewer = Viewer(running_job("a"))
    await viewer.logs.append([chunk("a", 0, 3)])
    viewer.feed.offer(live(chunk("a", 2, 3)))
    viewer.feed.tell(ended_job({"a": 5}))
    assert await viewer.run(skip_backfill=True) == NORMAL
    assert texts(viewer.shown, "a") == ["line 3", "line 4"]


async def test_a_suspicion_finds_what_the_live_queue_lost() -> None:
    viewer = Viewer(running_job("a"))
    async with viewer.running():
        await viewer.logs.append([chunk("a", 0, 3)])
        viewer.feed.suspect()
        await eventually(lambda: texts(viewer.shown, "a") == numbered(3))
        viewer.feed.tell(ended_job({"a": 3}))


class AwayLogs(MemoryLogs):
    """A store that is away for so many calls."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self._calls = calls

    async def read_range(self, job_id: str, step: str, attempt: int, *, first: int, limit: int) -> list[LogChunk]:
        if self._calls > 0:
            self._calls -= 1
            raise StoreUnavailable
        return await super().read_range(job_id, step, attempt, first=first, limit=limit)


async def test_a_store_that_is_away_for_a_moment_is_asked_again() -> None:
    viewer = Viewer(ended_job({"a": 3}), logs=AwayLogs(3))
    async with viewer.running():
        await viewer.logs.append([chunk("a", 0, 3)])
    assert texts(viewer.shown, "a") == numbered(3)


async def test_a_store_that_stays_away_closes_the_stream_with_try_again() -> None:
    viewer = Viewer(ended_job({"a": 3}), logs=AwayLogs(1_000_000))
    async with asyncio.timeout(timedelta(seconds=5).total_seconds()):
        assert await viewer.run() == TRY_AGAIN
