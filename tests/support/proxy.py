"""A TCP proxy that fails on command."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from yarl import URL

CHUNK_BYTES = 64 * 1024


class Proxy:
    """Stands between a client and a server; nothing of it outlives `close`."""

    def __init__(self, host: str, port: int) -> None:
        self.accepted = 0
        self.port = 0
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._clients: set[StreamWriter] = set()
        self._servers: set[StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._is_refusing = False
        self._is_swallowing = False
        self._ending = asyncio.Event()
        self._flows = asyncio.Event()
        self._flows.set()

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Break every connection at once; new ones are accepted."""
        for writer in (*self._clients, *self._servers):
            writer.transport.abort()

    def refuse(self) -> None:
        """Break every connection and let nobody in until `accept`."""
        self._is_refusing = True
        self.cut()

    def accept(self) -> None:
        """Let clients in again."""
        self._is_refusing = False

    def pause(self) -> None:
        """Hold bytes back, in both directions, until `resume`."""
        self._flows.clear()

    def resume(self) -> None:
        """Send what was held back, and go on."""
        self._flows.set()

    def swallow(self) -> None:
        """Lose every byte that now comes, in both directions: these connections look alive and are dead."""
        self._is_swallowing = True

    def restore(self) -> None:
        """Carry new connections' bytes again; those that lost some are cut by whoever notices."""
        self._is_swallowing = False

    def say(self, data: bytes) -> None:
        """Tell every client this, as if the server had; only while nothing else is on its way."""
        for writer in self._clients:
            writer.write(data)

    async def close(self) -> None:
        """Stop listening, break what is open."""
        if self._server is not None:
            self._server.close()
        self.cut()
        self.resume()
        self._ending.set()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        if task is None or self._is_refusing:
            writer.transport.abort()
            return
        self._serving.add(task)
        try:
            await self._carry(reader, writer)
        finally:
            self._serving.discard(task)

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            upstream_reader, upstream = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._clients.add(writer)
        self._servers.add(upstream)
        try:
            pumps = [
                asyncio.ensure_future(self._pump(reader, upstream)),
                asyncio.ensure_future(self._pump(upstream_reader, writer)),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.wait(pumps)
            self._clients.discard(writer)
            self._servers.discard(upstream)
            writer.transport.abort()
            upstream.transport.abort()

    async def _end(self) -> None:
        await self._ending.wait()

    async def _pump(self, reader: StreamReader, writer: StreamWriter) -> None:
        has_lost = False
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._flows.wait()
                has_lost = has_lost or self._is_swallowing
                if not has_lost:
                    writer.write(data)
                    await writer.drain()
            if has_lost:  # nor does the other side hear that this one hung up
                await self._ending.wait()


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy in front of the server of `url`, and the URL that leads through it."""
    target = URL(url)
    proxy = Proxy(target.host or "127.0.0.1", target.port or 5672)
    await proxy.start()
    try:
        yield proxy, str(target.with_host("127.0.0.1").with_port(proxy.port))
    finally:
        await proxy.close()
