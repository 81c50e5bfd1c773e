"""Live chunks reach whoever watches the job, and the queue is bound only while somebody does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from services.api.live_feed import Feed
from services.api.live_logs import LiveLogs
from shared.broker.memory import MemoryBroker
from shared.engine.job import Job
from shared.runtime.lifecycle import Lifecycle
from shared.storage.memory import MemoryStorage
from shared.storage.records import StoredJob
from tests.support.eventually import eventually
from tests.unit.api.logbook import JOB_ID, chunk, outgoing, running_job

OTHER = JOB_ID.replace("0", "1")


@asynccontextmanager
async def serving(broker: MemoryBroker, storage: MemoryStorage) -> AsyncIterator[LiveLogs]:
    live = LiveLogs(broker, storage.jobs, check_every=timedelta(milliseconds=50))
    lifecycle = Lifecycle()
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(live.run(lifecycle))
        try:
            yield live
        finally:
            lifecycle.stopping.set()


async def firsts(feed: Feed, count: int) -> list[int]:
    """The first sequence numbers of the next chunks."""
    found: list[int] = []

    def has_enough() -> bool:
        found.extend(one.first for one in feed.take().chunks)
        return len(found) >= count

    await eventually(has_enough)
    return found


async def test_every_viewer_gets_every_chunk_of_the_job_and_no_other() -> None:
    broker = MemoryBroker()
    async with serving(broker, MemoryStorage()) as live, live.watch(JOB_ID) as one, live.watch(JOB_ID) as two:
        await broker.publish(outgoing(chunk("a", 0, 3), chunk("a", 0, 9, job_id=OTHER), chunk("a", 3, 3)))
        assert await firsts(one, 2) == [0, 3]
        assert await firsts(two, 2) == [0, 3]


async def test_the_queue_is_bound_while_somebody_watches() -> None:
    async with serving(MemoryBroker(), MemoryStorage()) as live:
        async with live.watch(JOB_ID):
            async with live.watch(JOB_ID):
                assert live.bound_jobs == {JOB_ID}
            await asyncio.sleep(0)
            assert live.bound_jobs == {JOB_ID}
        await eventually(lambda: live.bound_jobs == frozenset())
        assert live.watched_jobs == frozenset()


async def test_watching_again_at_once_keeps_the_lines_coming() -> None:
    broker = MemoryBroker()
    async with serving(broker, MemoryStorage()) as live:
        for number in range(20):
            async with live.watch(JOB_ID) as feed:
                await broker.publish(outgoing(chunk("a", number, 1)))
                assert await firsts(feed, 1) == [number]


async def test_the_queue_comes_back_with_the_broker() -> None:
    broker = MemoryBroker()
    async with serving(broker, MemoryStorage()) as live, live.watch(JOB_ID) as feed:
        broker.lose_connection()
        await broker.publish(outgoing(chunk("a", 7, 1)))
        assert await firsts(feed, 1) == [7]


async def test_viewers_are_told_of_the_job_without_an_announcement() -> None:
    storage = MemoryStorage()
    await storage.jobs.insert([StoredJob(running_job("a"))])
    async with serving(MemoryBroker(), storage) as live, live.watch(JOB_ID) as feed:
        seen: list[Job] = []

        def is_told() -> bool:
            job = feed.take().job
            seen.extend([job] if job else [])
            return bool(seen)

        await eventually(is_told)
        assert seen[0].id == JOB_ID


async def test_viewers_compare_with_the_store_now_and_then() -> None:
    async with serving(MemoryBroker(), MemoryStorage()) as live, live.watch(JOB_ID) as feed:
        await eventually(lambda: feed.take().is_suspect)


async def test_a_viewer_without_a_broker_is_served_after_a_moment() -> None:
    broker = MemoryBroker()
    broker.go_down()
    async with serving(broker, MemoryStorage()) as live, live.watch(JOB_ID) as feed:
        assert live.bound_jobs == frozenset()
        broker.come_back()
        await eventually(lambda: live.bound_jobs == {JOB_ID})
        await eventually(lambda: feed.take().is_suspect)
