"""What one viewer has not been shown yet: bounded, so that a slow client costs nobody else anything."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.engine.job import Job

LIMIT_BYTES = 4 * 1024 * 1024  # about four seconds of a very chatty job
LIMIT_CHUNKS = 1_000

StreamKey = tuple[str, int]
"""(step, attempt): the lines of one have sequence numbers from 0 without holes."""


@dataclass(frozen=True, slots=True)
class LiveChunk:
    """Consecutive rendered lines of one attempt; `first` is the sequence number of the first."""

    step: str
    attempt: int
    first: int
    lines: Sequence[bytes]
    size_bytes: int

    @property
    def key(self) -> StreamKey:
        """Which attempt it belongs to."""
        return self.step, self.attempt

    @property
    def end(self) -> int:
        """The sequence number after the last line."""
        return self.first + len(self.lines)


@dataclass(slots=True)
class News:
    """What came in since the last look.

    `ends` is `{attempt: known end}` of chunks that were dropped because the viewer is slow: they are read from the
    store. `job` is the job as last read, None if it was not read anew. `is_suspect` asks the viewer to compare with the
    store.
    """

    chunks: list[LiveChunk] = field(default_factory=list)
    ends: dict[StreamKey, int] = field(default_factory=dict)
    job: Job | None = None
    is_suspect: bool = False


class Feed:
    """The mailbox of one viewer; nobody who puts something in ever waits."""

    def __init__(self, *, limit_bytes: int = LIMIT_BYTES, limit_chunks: int = LIMIT_CHUNKS) -> None:
        self._limit_bytes = limit_bytes
        self._limit_chunks = limit_chunks
        self._news = News()
        self._size_bytes = 0
        self._arrived = asyncio.Event()

    def offer(self, chunk: LiveChunk) -> None:
        """Add a live chunk; when full, all chunks are dropped and only how far they went is remembered."""
        news = self._news
        news.chunks.append(chunk)
        self._size_bytes += chunk.size_bytes
        if self._size_bytes > self._limit_bytes or len(news.chunks) > self._limit_chunks:
            for dropped in news.chunks:
                news.ends[dropped.key] = max(news.ends.get(dropped.key, 0), dropped.end)
            news.chunks.clear()
            self._size_bytes = 0
        self._arrived.set()

    def tell(self, job: Job) -> None:
        """Show the viewer the job as it is now."""
        self._news.job = job
        self._arrived.set()

    def suspect(self) -> None:
        """Something may have been missed: the viewer compares with the store."""
        self._news.is_suspect = True
        self._arrived.set()

    def take(self) -> News:
        """Everything since the last call."""
        news, self._news = self._news, News()
        self._size_bytes = 0
        self._arrived.clear()
        return news

    async def wait(self, seconds: float) -> None:
        """Until something arrives, at most this long."""
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return
