"""Tells the store that this worker lives, and what it has in hand."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from services.worker.attempts import Attempts
from shared.broker.ports import Broker
from shared.storage.ports import WorkerStore
from shared.storage.records import WorkerRecord

LOOK_EVERY = timedelta(milliseconds=500)  # at the broker connection
DRAINING = "draining"


class Heartbeat:
    """One worker's sign of life: at start, every `interval`, and at once when it matters.

    When the broker is lost, the deliveries of running attempts go to other workers as repeats; they look at our beat.
    """

    def __init__(
        self, worker: WorkerRecord, attempts: Attempts, store: WorkerStore, broker: Broker, interval: timedelta
    ) -> None:
        self._worker = worker
        self._attempts = attempts
        self._store = store
        self._broker = broker
        self._interval = interval
        self._hurry = asyncio.Event()

    async def beat(self) -> None:
        """Say it now.

        Raises:
            StoreUnavailable: say it again.
        """
        self._hurry.clear()
        await self._store.beat(replace(self._worker, running=self._attempts.running))

    async def round(self) -> None:
        """Say it, then wait until it is time to say it again."""
        await self.beat()
        loop = asyncio.get_running_loop()
        was_ready, due_at = self._broker.is_ready, loop.time() + self._interval.total_seconds()
        while (left := due_at - loop.time()) > 0 and not self._hurry.is_set():
            await self._wait(min(left, LOOK_EVERY.total_seconds()))
            if was_ready and not self._broker.is_ready:
                return
            was_ready = self._broker.is_ready

    def drain(self) -> None:
        """This worker takes no more: say so at once."""
        self._worker = replace(self._worker, status=DRAINING)
        self._hurry.set()

    async def leave(self) -> None:
        """The last word of a worker that stops."""
        await self._store.mark_inactive(self._worker.id)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return
