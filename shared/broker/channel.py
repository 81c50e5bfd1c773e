"""A channel of a connection that comes back with it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import structlog
from aio_pika.abc import AbstractChannel
from aiormq.channel import Channel as Amqp

from shared.broker.connection import Link
from shared.broker.driver_errors import translated
from shared.broker.insist import insist
from shared.broker.supervise import Supervisor
from shared.broker.timings import Timings
from shared.errors import BrokerUnavailable
from shared.runtime.clock import Clock

log = structlog.get_logger()

Prepare = Callable[[Amqp], Awaitable[None]]
"""Sets a new channel up; called again after each loss."""


class KeptChannel:
    """One supervised channel: opened and prepared again whenever it or its connection is lost."""

    def __init__(
        self, link: Link, *, name: str, has_confirms: bool, prepare: Prepare, clock: Clock, timings: Timings
    ) -> None:
        self.name = name
        self._link = link
        self._has_confirms = has_confirms
        self._prepare = prepare
        self._clock = clock
        self._timings = timings
        self._channel: AbstractChannel | None = None
        self._amqp: Amqp | None = None
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._supervisor = Supervisor()
        self._is_closed = False

    async def start(self) -> None:
        """Open it for the first time.

        Raises:
            BrokerUnavailable: not within the deadline.
            Broken: what the broker has differs from what we declare.
        """
        await self._open()
        self._supervisor.start(self._supervise(), f"{self.name}.supervise")

    @property
    def is_ready(self) -> bool:
        """Whether it is open and prepared."""
        return self._up.is_set() and self._supervisor.is_alive

    @property
    def current(self) -> Amqp | None:
        """The open channel, None while there is none."""
        return self._amqp if self._up.is_set() else None

    async def ready(self) -> Amqp:
        """The open channel; waits for it without end, so the caller sets the deadline.

        Raises:
            BrokerUnavailable: it was closed for good.
        """
        while self._amqp is None or not self._up.is_set():
            if self._is_closed:
                raise BrokerUnavailable(f"{self.name} is closed")
            await self._up.wait()
        return self._amqp

    def lose(self) -> None:
        """Give this channel up; another is opened."""
        self._lose(self._lost)

    def _lose(self, lost: asyncio.Event) -> None:
        lost.set()
        if lost is self._lost:
            self._up.clear()

    async def close(self) -> None:
        """Close it, for good; what was delivered on it and not acknowledged goes back to its queue."""
        self._is_closed = True
        await self._supervisor.stop()
        await self._discard()
        self._up.set()  # wakes who waits, to be told

    async def _open(self) -> None:
        try:
            with translated(f"open {self.name}"):
                async with asyncio.timeout(self._timings.deadline.total_seconds()):
                    await self._open_now()
        except BaseException:
            await self._discard()
            raise

    async def _open_now(self) -> None:
        connection = await self._link.connection()
        channel = connection.channel(publisher_confirms=self._has_confirms, on_return_raises=False)
        await channel.initialize()
        self._lost = lost = asyncio.Event()
        channel.close_callbacks.add(lambda *_: self._lose(lost))
        self._channel = channel
        self._amqp = cast("Amqp", await channel.get_underlay_channel())
        await self._prepare(self._amqp)
        if not lost.is_set():
            self._up.set()

    async def _supervise(self) -> None:
        while True:
            await self._lost.wait()
            log.warning("channel.lost", channel=self.name)
            await self._discard()
            await insist(self._open, f"open {self.name}", self._clock, self._timings)
            log.info("channel.back", channel=self.name)

    async def _discard(self) -> None:
        channel, self._channel, self._amqp = self._channel, None, None
        self._up.clear()
        if channel is None or channel.is_closed:
            return
        try:
            with translated(f"close {self.name}"):
                async with asyncio.timeout(self._timings.farewell.total_seconds()):
                    await channel.close()
        except BrokerUnavailable:
            self._link.cut()
