"""Hands live log chunks to whoever watches the job, from one exclusive queue per api instance."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from services.api.consume import consume
from services.api.live_feed import Feed, LiveChunk
from services.api.log_lines import render_line
from shared.broker.ports import Broker, Delivery, Subscription
from shared.broker.topology import live_log_queue
from shared.errors import BrokerUnavailable, Unavailable
from shared.messages.wire import LogChunkMessage
from shared.runtime.lifecycle import Lifecycle
from shared.storage.ports import JobStore

PREFETCH = 32  # decoded, 4,096 short lines of a chunk weigh 3 MB
TAKE = 8  # chunks handed out before other tasks get a turn
CHECK_EVERY = timedelta(seconds=2)  # announcements are lossy: the jobs are looked at anyway
SUSPECT_EVERY = 5  # checks: every 10 s viewers compare with the store, in case the queue was lost for a moment
BIND_DEADLINE = timedelta(seconds=2)  # after that the viewer starts from the store, live lines follow when bound
LOAD_LIMIT = 100


@dataclass(slots=True)
class _Watched:
    """A job that somebody watches."""

    feeds: set[Feed] = field(default_factory=set)
    late: set[Feed] = field(default_factory=set)  # began before the job was bound
    is_bound: asyncio.Event = field(default_factory=asyncio.Event)


class LiveLogs:
    """The instance's live queue: a job's key is bound while it has viewers.

    Bindings are made and undone by one loop that compares what is bound with what is watched, so that a viewer who
    comes while the last one leaves can't lose the binding.
    """

    def __init__(self, broker: Broker, jobs: JobStore, *, check_every: timedelta = CHECK_EVERY) -> None:
        self._broker = broker
        self._jobs = jobs
        self._check_every = check_every
        self._watched: dict[str, _Watched] = {}
        self._bound: set[str] = set()
        self._subscription: Subscription | None = None
        self._changed: set[str] = set()
        self._should_bind = asyncio.Event()
        self._should_check = asyncio.Event()
        self._checked_at = 0.0
        self._rounds = 0

    @property
    def watched_jobs(self) -> frozenset[str]:
        """Ids of the jobs with viewers."""
        return frozenset(self._watched)

    @property
    def bound_jobs(self) -> frozenset[str]:
        """Ids of the jobs whose lines reach this instance's queue."""
        return frozenset(self._bound)

    async def run(self, lifecycle: Lifecycle) -> None:
        """Hand out chunks, keep bindings, look at watched jobs; until the stop signal."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                consume(lifecycle, "logs.live", self._hand_out, lambda: self._subscription), name="logs.live"
            )
            tasks.create_task(lifecycle.repeat("logs.bind", self._keep_bindings), name="logs.bind")
            tasks.create_task(lifecycle.repeat("logs.check", self._check_jobs), name="logs.check")
            await lifecycle.stopping.wait()
            self._should_bind.set()
            self._should_check.set()

    @asynccontextmanager
    async def watch(self, job_id: str) -> AsyncIterator[Feed]:
        """A feed of everything about the job from now on; bound before the caller goes on, if the broker is there."""
        feed = Feed()
        watched = self._watched.setdefault(job_id, _Watched())
        watched.feeds.add(feed)
        self._should_bind.set()
        try:
            try:
                async with asyncio.timeout(BIND_DEADLINE.total_seconds()):
                    await watched.is_bound.wait()
            except TimeoutError:
                watched.late.add(feed)
            yield feed
        finally:
            watched.feeds.discard(feed)
            watched.late.discard(feed)
            if not watched.feeds and self._watched.get(job_id) is watched:
                del self._watched[job_id]
            self._should_bind.set()

    def job_changed(self, job_id: str) -> None:
        """An announcement said that the job changed: if somebody watches it, look now."""
        if job_id in self._watched:
            self._changed.add(job_id)
            self._should_check.set()

    async def _hand_out(self) -> None:
        if self._subscription is None:
            self._subscription = await self._broker.subscribe(live_log_queue(), prefetch=PREFETCH)
            self._should_bind.set()
            return  # the loop counts as well while it waits for the first chunk
        deliveries = await self._subscription.take(TAKE)
        for delivery in deliveries:
            self._offer(delivery)
        if deliveries:
            await self._subscription.acknowledge(deliveries)
            await asyncio.sleep(0)

    def _offer(self, delivery: Delivery) -> None:
        message = delivery.message
        if not isinstance(message, LogChunkMessage):
            return
        watched = self._watched.get(message.job_id)
        if watched is None:
            return
        lines = [render_line(line.ts, line.stream, message.step, line.text) for line in message.lines]
        chunk = LiveChunk(message.step, message.attempt, message.first, lines, sum(map(len, lines)))
        for feed in watched.feeds:
            feed.offer(chunk)

    async def _keep_bindings(self) -> None:
        await _wait(self._should_bind, self._check_every)
        self._should_bind.clear()
        if self._subscription is None:
            return
        try:
            async with asyncio.timeout(BIND_DEADLINE.total_seconds()):
                await self._rebind(self._subscription)
        except TimeoutError:
            raise BrokerUnavailable("a live log binding was not answered in time") from None
        finally:
            self._tell_bound()

    async def _rebind(self, subscription: Subscription) -> None:
        for job_id in [job_id for job_id in self._watched if job_id not in self._bound]:
            await subscription.bind(job_id)
            self._bound.add(job_id)
        for job_id in [job_id for job_id in self._bound if job_id not in self._watched]:
            await subscription.unbind(job_id)
            self._bound.discard(job_id)

    def _tell_bound(self) -> None:
        for job_id, watched in self._watched.items():
            if job_id in self._bound and not watched.is_bound.is_set():
                watched.is_bound.set()
                for feed in watched.late:
                    feed.suspect()
                watched.late.clear()

    async def _check_jobs(self) -> None:
        await _wait(self._should_check, self._check_every)
        self._should_check.clear()
        now = asyncio.get_running_loop().time()
        is_round = now - self._checked_at >= self._check_every.total_seconds()
        wanted = list(self._watched if is_round else self._changed & self._watched.keys())
        self._changed.clear()
        try:
            for start in range(0, len(wanted), LOAD_LIMIT):
                await self._tell_jobs(wanted[start : start + LOAD_LIMIT])
        except Unavailable:
            self._changed.update(wanted)
            raise
        if is_round:
            self._checked_at = now
            self._rounds += 1
            if self._rounds % SUSPECT_EVERY == 0:
                for job_id in wanted:
                    for feed in self._feeds_of(job_id):
                        feed.suspect()

    async def _tell_jobs(self, job_ids: list[str]) -> None:
        for job_id, stored in (await self._jobs.load(job_ids)).items():
            for feed in self._feeds_of(job_id):
                feed.tell(stored.job)

    def _feeds_of(self, job_id: str) -> Iterable[Feed]:
        watched = self._watched.get(job_id)
        return tuple(watched.feeds) if watched else ()


async def _wait(event: asyncio.Event, longest: timedelta) -> None:
    try:
        async with asyncio.timeout(longest.total_seconds()):
            await event.wait()
    except TimeoutError:
        return
