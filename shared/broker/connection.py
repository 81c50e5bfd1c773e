"""A connection to the broker that comes back."""

import asyncio
from asyncio import StreamReader, StreamWriter
from typing import Any

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection
from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from yarl import URL

from shared.broker.driver_errors import translated
from shared.broker.insist import insist
from shared.broker.supervise import Supervisor
from shared.broker.timings import Timings
from shared.errors import BrokerUnavailable
from shared.runtime.clock import Clock

log = structlog.get_logger()


class _AbortableTransport(TransportFactory):
    """Remembers the socket, so that a connection that died silently can be cut."""

    def __init__(self, url: URL) -> None:
        self._plain = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        self._writer: StreamWriter | None = None

    async def create(self, url: URL, **kwargs: Any) -> tuple[StreamReader, StreamWriter]:
        reader, self._writer = await self._plain.create(url, **kwargs)
        return reader, self._writer

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()


class _Connection(aio_pika.Connection):
    """The driver's plain connection, on a socket that can be cut."""

    def __init__(self, url: URL, **kwargs: Any) -> None:
        super().__init__(url, **kwargs)
        self._socket = _AbortableTransport(self.url)
        self.kwargs["transport_factory"] = self._socket

    def __del__(self) -> None:
        """Nothing: the link closes what it opened; the driver would start a task from within the garbage collector."""

    def abort(self) -> None:
        """Cut it now, whatever is still unsent; all who wait on it are told."""
        self._socket.abort()


class Link:
    """One supervised connection; whoever needs it waits in `connection` until it is there."""

    def __init__(self, url: str, *, name: str, clock: Clock, timings: Timings) -> None:
        self.name = name
        self._url = url
        self._clock = clock
        self._timings = timings
        self._connection: _Connection | None = None
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._supervisor = Supervisor()
        self._is_closed = False

    async def start(self) -> None:
        """Connect for the first time.

        Raises:
            BrokerUnavailable: the broker did not let us in for the length of `patience`; the text says why.
        """
        await insist(self._open, f"connect {self.name}", self._clock, self._timings, until=self._timings.patience)
        self._supervisor.start(self._supervise(), f"{self.name}.supervise")

    @property
    def is_ready(self) -> bool:
        """Whether it is connected and not blocked by the broker."""
        return self._up.is_set() and self._supervisor.is_alive and not self.is_blocked

    @property
    def is_blocked(self) -> bool:
        """Whether the broker said that it takes no messages for now (a memory or disk alarm)."""
        if self._connection is None or self._connection.transport is None:
            return False
        probe = self._connection.transport.connection.ready().__await__()
        try:
            next(probe)
        except StopIteration:  # it would not have waited
            return False
        probe.close()
        return True

    async def connection(self) -> AbstractConnection:
        """The open connection; waits for it without end, so the caller sets the deadline.

        Raises:
            BrokerUnavailable: it was closed for good.
        """
        while self._connection is None:
            if self._is_closed:
                raise BrokerUnavailable(f"{self.name} is closed")
            await self._up.wait()
        return self._connection

    async def unblocked(self) -> None:
        """Return once the broker takes messages; waits without end, so the caller sets the deadline."""
        connection = await self.connection()
        if connection.transport is not None:
            await connection.transport.ready()

    def cut(self) -> None:
        """Give the connection up as dead; it is opened anew."""
        if self._connection is not None:
            log.warning("broker.cut", connection=self.name)
            self._connection.abort()

    async def close(self) -> None:
        """Disconnect, for good."""
        self._is_closed = True
        await self._supervisor.stop()
        await self._discard()
        self._up.set()  # wakes who waits, to be told

    async def _open(self) -> None:
        seconds = self._timings.deadline.total_seconds()
        with translated("connect"):
            async with asyncio.timeout(seconds):
                connection = await aio_pika.connect(
                    self._url,
                    connection_class=_Connection,
                    heartbeat=int(self._timings.heartbeat.total_seconds()),
                    client_properties={"connection_name": self.name},
                )
        lost = asyncio.Event()
        connection.close_callbacks.add(lambda *_: lost.set())
        self._connection, self._lost = connection, lost
        if connection.transport is None or connection.transport.connection.is_closed:
            raise BrokerUnavailable("connect: the broker hung up at once")
        self._up.set()

    async def _supervise(self) -> None:
        while True:
            await self._lost.wait()
            log.warning("broker.lost", connection=self.name)
            await self._discard()
            await insist(self._open, f"connect {self.name}", self._clock, self._timings)
            log.info("broker.back", connection=self.name)

    async def _discard(self) -> None:
        connection, self._connection = self._connection, None
        self._up.clear()
        if connection is None:
            return
        try:
            with translated("disconnect"):
                async with asyncio.timeout(self._timings.farewell.total_seconds()):
                    await connection.close()
        except BrokerUnavailable:
            connection.abort()
