"""Lines of one attempt, stamped, packed in chunks, published until confirmed."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from services.worker.persist import publish_until_kept
from services.worker.redact import NOTHING_SECRET
from shared.broker.ports import Broker, Outgoing
from shared.broker.topology import LOG_EXCHANGE
from shared.messages.wire import LogChunkMessage, LogLine, RunStepMessage
from shared.runtime.clock import Clock

Stream = Literal["stdout", "stderr"]

CHUNK_BYTES = 64 * 1024
CHUNK_LINES = 4096  # empty lines weigh too
CHUNK_EVERY = timedelta(milliseconds=100)
MOST_WAITING = 16  # chunks, 1 MiB, and as many on their way: the step's pipes stand still beyond it
_LINE_FIELDS = {"ts", "stream", "text"}


class LogShipper:
    """One attempt's log on its way; `run` must be running for it to move.

    A line after a quiet spell leaves at once, the others at most 100 ms later or when 64 KiB are together. Nothing is
    ever dropped: while the broker is away `write` waits, and with it the pipe of the step.
    """

    def __init__(self, broker: Broker, clock: Clock, step: RunStepMessage) -> None:
        self.redactor = NOTHING_SECRET  # what its writers mask; the secrets are known when the step begins
        self._broker = broker
        self._clock = clock
        self._step = step
        self._lines: list[LogLine] = []
        self._size = 0
        self._count = 0
        self._full: list[LogChunkMessage] = []
        self._last_at = clock.now()
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._room = asyncio.Event()
        self._is_closed = False

    @property
    def count(self) -> int:
        """How many lines were written."""
        return self._count

    async def write(self, stream: Stream, texts: Sequence[str]) -> None:
        """Add lines, all read now; waits while too much is unconfirmed."""
        if not texts:
            return
        at = self._last_at = max(self._last_at, self._clock.now())
        for text in texts:
            self._lines.append(_line(at, stream, text))
            self._size += len(text)
            if self._size >= CHUNK_BYTES or len(self._lines) >= CHUNK_LINES:
                self._cut()
        self._wake.set()
        while len(self._full) >= MOST_WAITING:
            self._room.clear()
            await self._room.wait()

    def close(self) -> None:
        """No more lines come; `run` ends when all are confirmed."""
        self._is_closed = True
        self._wake.set()
        self._urgent.set()

    async def run(self) -> None:
        """Ship until closed and empty."""
        loop = asyncio.get_running_loop()
        due_at = loop.time()
        while not (self._is_closed and not self._lines and not self._full):
            await self._wake.wait()
            await self._wait_urgent(until=due_at)
            self._wake.clear()
            due_at = loop.time() + CHUNK_EVERY.total_seconds()
            await self._ship()

    async def _wait_urgent(self, *, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._urgent.wait()
        except TimeoutError:
            return

    async def _ship(self) -> None:
        if self._lines:
            self._cut()
        chunks, self._full = self._full, []
        self._room.set()  # the next ones gather while these are on their way
        if not self._is_closed:
            self._urgent.clear()
        if chunks:
            key = self._step.job_id
            await publish_until_kept(
                self._broker, self._clock, [Outgoing(LOG_EXCHANGE, key, chunk) for chunk in chunks]
            )

    def _cut(self) -> None:
        step, first = self._step, self._count
        chunk = LogChunkMessage.model_construct(
            id=f"{step.job_id}/{step.step}/{step.attempt}/log/{first}",
            occurred_at=self._last_at,
            correlation_id=step.job_id,
            job_id=step.job_id,
            step=step.step,
            attempt=step.attempt,
            first=first,
            lines=self._lines,
        )
        self._count += len(self._lines)
        self._full.append(chunk)
        self._lines, self._size = [], 0
        self._urgent.set()


def _line(at: datetime, stream: Stream, text: str) -> LogLine:
    """A LogLine without its checks, a third of the time of `model_construct`; the reader vouches for the types."""
    line = object.__new__(LogLine)
    object.__setattr__(line, "__dict__", {"ts": at, "stream": stream, "text": text})
    object.__setattr__(line, "__pydantic_fields_set__", _LINE_FIELDS)
    object.__setattr__(line, "__pydantic_extra__", None)
    object.__setattr__(line, "__pydantic_private__", None)
    return line
