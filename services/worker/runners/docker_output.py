"""Tells a container's stdout and stderr apart."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from services.worker.runners.docker_ports import STDERR, STDOUT, Attached, EngineFailed

HELD_PIECES = 16  # of each stream; a slow reader slows the engine's pipe, and so the container


class ContainerOutput:
    """Carries the pieces of one attached container to a reader for each stream."""

    def __init__(self, attached: Attached) -> None:
        self.failure: EngineFailed | None = None
        self._attached = attached
        self._queues: dict[int, asyncio.Queue[bytes]] = {
            number: asyncio.Queue(HELD_PIECES) for number in (STDOUT, STDERR)
        }
        self._patience_seconds: float | None = None
        self._reading: asyncio.Timeout | None = None
        self._is_abandoned = False

    def reader(self, stream: int) -> "StreamPieces":
        """What reads one of the streams, `STDOUT` or `STDERR`."""
        return StreamPieces(self._queues[stream])

    async def carry(self) -> None:
        """Carry everything until the end; a broken connection is an end too, and kept in `failure`."""
        try:
            while piece := await self._read():
                number, data = piece
                if data and number in self._queues:
                    await self._queues[number].put(data)
        except EngineFailed as failure:
            self.failure = failure
        finally:
            with suppress(EngineFailed):
                await self._attached.close()
        for queue in self._queues.values():
            await queue.put(b"")

    def finish_within(self, grace: timedelta) -> None:
        """The container has ended: if the engine sends nothing for this long, that is the end."""
        self._patience_seconds = grace.total_seconds()
        if self._reading is not None:
            self._reading.reschedule(asyncio.get_running_loop().time() + self._patience_seconds)

    def abandon(self) -> None:
        """Nobody could end the container: what it goes on writing is not read."""
        self._is_abandoned = True
        self.finish_within(timedelta(0))

    async def _read(self) -> tuple[int, bytes] | None:
        if self._is_abandoned:
            return None
        try:
            async with asyncio.timeout(self._patience_seconds) as self._reading:
                return await self._attached.read()
        except TimeoutError:
            return None
        finally:
            self._reading = None


class StreamPieces:
    """One stream, read until an empty piece."""

    def __init__(self, queue: "asyncio.Queue[bytes]") -> None:
        self._queue = queue

    async def read(self) -> bytes:
        """The next piece; empty at the end."""
        return await self._queue.get()

    def close(self) -> None:
        """Nothing is held."""
