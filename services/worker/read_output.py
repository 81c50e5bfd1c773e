"""Reads a step's pipes to their end."""

import asyncio
import fcntl
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from services.worker.redact import Redactor, StreamRedactor
from services.worker.ship_logs import Stream
from services.worker.split_lines import LineSplitter

READ_BYTES = 256 * 1024
PIPE_BYTES = 256 * 1024  # a bigger pipe means fewer, bigger reads; 64 KiB if the system refuses
Watch = Callable[[bytes], None]

LEFT_OVER_BYTES = 1024 * 1024  # at most this much is read after the deadline: what the pipe can hold at most by default


class LineSink(Protocol):
    """Where lines go; what must not be in them is taken out by the writer, with `redactor`."""

    redactor: Redactor

    async def write(self, stream: Stream, texts: Sequence[str]) -> None:
        """Take lines; returning late slows the step's pipe."""
        ...


def _look_away(_: bytes) -> None:
    return


class Reader(Protocol):
    """One stream of a step."""

    async def read(self) -> bytes:
        """What is there, waiting for it; empty at the end."""
        ...

    def close(self) -> None:
        """Let go of it. Repeats: harmless."""
        ...


class PipeReader:
    """One pipe of a step, until its end or `finish_within`."""

    def __init__(self, pipe: int) -> None:
        os.set_blocking(pipe, False)
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._pipe = pipe
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._left_over: int | None = None
        self._loop.add_reader(pipe, self._wake.set)

    def finish_within(self, grace: timedelta) -> None:
        """The step has ended: whoever still holds the pipe has this long to let go of it."""
        self._loop.call_later(grace.total_seconds(), self._stop)

    def _stop(self) -> None:
        self._left_over = LEFT_OVER_BYTES
        self._wake.set()

    async def read(self) -> bytes:
        """What is there, waiting for it; empty at the end."""
        while True:
            data = self._read_now()
            if data is not None:
                return data
            self._wake.clear()
            if self._left_over is not None:
                return b""
            await self._wake.wait()

    def _read_now(self) -> bytes | None:
        if self._left_over is not None and self._left_over <= 0:
            return b""
        try:
            data = os.read(self._pipe, READ_BYTES)
        except BlockingIOError:
            return None
        if self._left_over is not None:
            self._left_over -= len(data)
        return data

    def close(self) -> None:
        """Let go of the pipe. Repeats: harmless."""
        if self._pipe >= 0:
            self._loop.remove_reader(self._pipe)
            os.close(self._pipe)
            self._pipe = -1


async def pump(
    reader: Reader, stream: Stream, sink: LineSink, *, raw: Watch = _look_away, clean: Watch = _look_away
) -> None:
    """Carry everything from the pipe to the sink line by line.

    `raw` sees the bytes as they are, `clean` sees them with the secrets masked.
    """
    splitter, screen = LineSplitter(), StreamRedactor(sink.redactor)
    try:
        while data := await reader.read():
            raw(data)
            shown = screen.feed(data)
            clean(shown)
            await sink.write(stream, splitter.feed(shown))
            await asyncio.sleep(0)  # others run too while a step writes without pause
        shown = screen.end()
        clean(shown)
        await sink.write(stream, [*splitter.feed(shown), *splitter.end()])
    finally:
        reader.close()
