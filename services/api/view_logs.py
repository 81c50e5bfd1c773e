"""Shows one viewer a job's log: every line exactly once, in order per attempt, then the end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.api.live_feed import Feed, LiveChunk, News, StreamKey
from services.api.log_cursors import Cursor, expected_ends, has_ended, has_unknown_ends
from services.api.log_lines import SERVER_STEP, render_chunk, render_line
from shared.engine.job import Job
from shared.errors import Unavailable
from shared.runtime.clock import Clock
from shared.storage.ports import LogStore
from shared.storage.records import LogChunk

FRAME_BYTES = 1024 * 1024  # common limit of WebSocket clients
READ_CHUNKS = 16  # at most 64 KiB each
NORMAL = 1000
TRY_AGAIN = 1013

Send = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a viewer waits for what.

    `gap`: for a missing line to reach the store, then the viewer is told that it is missing; `grace`: for the last
    lines of a worker that was lost; `retry` to `longest_retry`: between two looks into the store; `idle`: between two
    looks at an empty mailbox; `send`: for a client to take a frame.
    """

    gap: timedelta = timedelta(seconds=30)
    grace: timedelta = timedelta(seconds=2)
    retry: timedelta = timedelta(milliseconds=25)
    longest_retry: timedelta = timedelta(seconds=1)
    idle: timedelta = timedelta(seconds=10)
    send: timedelta = timedelta(seconds=30)


class LogView:
    """One viewer's place in the log.

    A cursor per attempt says what was shown (`next`) and what is known to exist (`target`). Live chunks that fit are
    shown; what is missing is read from the store until it is there. Everything else (a slow client, a lost queue, a
    late viewer, the end of the job) only moves targets.
    """

    def __init__(self, job: Job, feed: Feed, logs: LogStore, send: Send, clock: Clock, patience: Patience) -> None:
        self._job = job
        self._feed = feed
        self._logs = logs
        self._send = send
        self._clock = clock
        self._patience = patience
        self._cursors: dict[StreamKey, Cursor] = {}
        self._frame: list[bytes] = []
        self._frame_bytes = 0
        self._ended_at: float | None = None
        self._is_swept = False

    async def run(self, *, skip_backfill: bool = False) -> int:
        """Show everything up to the end of the job; answers the close code. Waits for slow clients, never for others.

        Raises:
            TimeoutError: the client did not take a frame in time.
        """
        is_begun = False
        failing_since: float | None = None
        while True:
            try:
                if not is_begun:
                    await (self._skip() if skip_backfill else self._backfill())
                    is_begun = True
                if await self._advance():
                    return NORMAL
                failing_since = None
                pause = self._pause()
            except Unavailable:
                failing_since = failing_since if failing_since is not None else _now()
                if _now() - failing_since > self._patience.gap.total_seconds():
                    return TRY_AGAIN
                pause = self._patience.longest_retry.total_seconds()
            await self._feed.wait(pause)

    async def _advance(self) -> bool:
        """One round: show what came, fill what is missing; whether the log is at its end."""
        await self._take(self._feed.take())
        await self._fill()
        await self._flush()
        return await self._is_over()

    async def _backfill(self) -> None:
        async for chunk in self._logs.read(self._job.id):
            await self._show_stored(chunk)
        await self._flush()

    async def _skip(self) -> None:
        for key, count in (await self._logs.count_lines(self._job.id)).items():
            self._cursors[key] = Cursor(next=count, target=count)

    async def _take(self, news: News) -> None:
        self._job = news.job or self._job
        for chunk in news.chunks:
            await self._show_live(chunk)
        for key, end in news.ends.items():
            self._cursor(key).expect(end)
        if news.is_suspect:
            await self._compare()

    async def _compare(self) -> None:
        for key, count in (await self._logs.count_lines(self._job.id)).items():
            self._cursor(key).expect(count)

    async def _show_live(self, chunk: LiveChunk) -> None:
        cursor = self._cursor(chunk.key)
        cursor.expect(chunk.end)
        if chunk.first <= cursor.next < chunk.end:
            lines = chunk.lines[cursor.next - chunk.first :]
            cursor.advance(chunk.end)
            await self._write(lines)

    async def _show_stored(self, chunk: LogChunk) -> bool:
        """Show what is new in it; whether anything was."""
        cursor = self._cursor((chunk.step, chunk.attempt))
        end = chunk.first + len(chunk.lines)
        cursor.expect(end)
        if not chunk.first <= cursor.next < end:
            return False
        lines = render_chunk(chunk, start=cursor.next)
        cursor.advance(end)
        await self._write(lines)
        return True

    async def _fill(self) -> None:
        for key, cursor in list(self._cursors.items()):
            while cursor.is_due(_now()):
                chunks = await self._logs.read_range(self._job.id, *key, first=cursor.next, limit=READ_CHUNKS)
                shown = [await self._show_stored(chunk) for chunk in chunks]
                if not any(shown):
                    await self._wait_or_give_up(key, cursor, chunks)

    async def _wait_or_give_up(self, key: StreamKey, cursor: Cursor, chunks: Sequence[LogChunk]) -> None:
        now = _now()
        if cursor.missing_for(now) < self._patience.gap.total_seconds():
            cursor.wait(now, self._patience.retry.total_seconds(), self._patience.longest_retry.total_seconds())
            return
        step, attempt = key
        end = chunks[0].first if chunks else cursor.target
        text = f"[logs] lines {cursor.next} to {end - 1} of step '{step}', attempt {attempt}, are missing"
        cursor.advance(end)
        await self._write([render_line(self._clock.now(), "stderr", SERVER_STEP, text)])

    async def _is_over(self) -> bool:
        if not has_ended(self._job):
            return False
        now = _now()
        if self._ended_at is None:
            self._ended_at = now
            for key, end in expected_ends(self._job).items():
                self._cursor(key).expect(end)
            await self._fill()
            await self._flush()
        if any(cursor.is_behind for cursor in self._cursors.values()):
            return False
        if self._is_swept or not has_unknown_ends(self._job):
            return True
        if now - self._ended_at >= self._patience.grace.total_seconds():
            await self._compare()
            self._is_swept = True
        return False

    def _pause(self) -> float:
        waits = [cursor.due_in(_now()) for cursor in self._cursors.values() if cursor.is_behind]
        if self._ended_at is not None and not waits:
            waits.append(0.0 if self._is_swept else self._patience.grace.total_seconds() / 4)
        return min([self._patience.idle.total_seconds(), *waits])

    def _cursor(self, key: StreamKey) -> Cursor:
        return self._cursors.setdefault(key, Cursor())

    async def _write(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            if self._frame and self._frame_bytes + len(line) > FRAME_BYTES:
                await self._flush()
            self._frame.append(line)
            self._frame_bytes += len(line)

    async def _flush(self) -> None:
        if not self._frame:
            return
        frame, self._frame, self._frame_bytes = b"".join(self._frame), [], 0
        async with asyncio.timeout(self._patience.send.total_seconds()):
            await self._send(frame.decode())


def _now() -> float:
    return asyncio.get_running_loop().time()
