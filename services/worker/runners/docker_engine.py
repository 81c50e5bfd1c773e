"""A Docker engine, spoken to by aiodocker."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import aiohttp
from aiodocker import Docker, DockerError
from aiodocker.stream import Stream

from services.worker.runners.docker_ports import EngineFailed, Found, ImageMissing

PATIENCE = timedelta(seconds=60)  # for an answer that needs no work of the container's own
HELLO_WITHIN = timedelta(seconds=10)
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)  # no such container; it is being removed already


class DockerEngine:
    """One engine; `close` it."""

    def __init__(self, client: Docker) -> None:
        self._client = client

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def has_image(self, image: str) -> bool:
        async with _translated():
            try:
                await self._client.images.inspect(image)
            except DockerError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                return False
        return True

    async def pull(self, image: str) -> None:
        async with _translated(within=None):
            await self._client.images.pull(image)

    async def create(self, name: str, config: Mapping[str, Any]) -> None:
        async with _translated():
            try:
                await self._client.containers.create(dict(config), name=name)
            except DockerError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                raise ImageMissing(error.message) from error

    async def attach(self, name: str) -> "AttachedStream":
        stream = self._client.containers.container(name).attach(stdout=True, stderr=True)
        async with _translated():
            await stream.__aenter__()  # closed by its owner
        return AttachedStream(stream)

    async def start(self, name: str) -> None:
        async with _translated():
            await self._client.containers.container(name).start()

    async def wait(self, name: str) -> int:
        async with _translated(within=None):
            answer = await self._client.containers.container(name).wait()
        return int(answer["StatusCode"])

    async def is_out_of_memory(self, name: str) -> bool:
        async with _translated():
            state = (await self._client.containers.container(name).show())["State"]
        return bool(state.get("OOMKilled"))

    async def stop(self, name: str, *, grace_seconds: int) -> None:
        async with _translated(within=PATIENCE + timedelta(seconds=grace_seconds)), _unless_gone():
            await self._client.containers.container(name).stop(t=grace_seconds)

    async def remove(self, name: str) -> None:
        async with _translated(), _unless_gone():
            await self._client.containers.container(name).delete(force=True, v=True)

    async def find(self, label: str) -> list[Found]:
        filters = json.dumps({"label": [label]})
        async with _translated():
            listed = await self._client.containers.list(all="true", filters=filters)
            return [_found(one._container) for one in listed]  # noqa: SLF001 - its only way to the fields


class AttachedStream:
    """The raw stream of one container."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def read(self) -> tuple[int, bytes] | None:
        async with _translated(within=None):
            message = await self._stream.read_out()
        return None if message is None else (message.stream, message.data)

    async def close(self) -> None:
        if self._stream._resp is not None and self._stream._resp.connection is not None:  # noqa: SLF001 - its `close` breaks without
            await self._stream.close()


async def open_engine(url: str) -> DockerEngine:
    """The engine at `url`, `unix:///var/run/docker.sock`, once it has answered.

    Raises:
        EngineFailed: it does not.
    """
    async with _translated(within=HELLO_WITHIN):
        try:
            client = Docker(url)
        except ValueError as error:
            raise EngineFailed(f"{url!r} is no address of a Docker engine: {error}") from error
        try:
            await client.version()
        except BaseException:
            await client.close()
            raise
    return DockerEngine(client)


@asynccontextmanager
async def _translated(within: timedelta | None = PATIENCE) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(within.total_seconds() if within else None):
            yield
    except DockerError as error:
        raise EngineFailed(error.message) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
        raise EngineFailed(f"The Docker engine does not answer: {str(error) or type(error).__name__}") from error


@asynccontextmanager
async def _unless_gone() -> AsyncIterator[None]:
    try:
        yield
    except DockerError as error:
        if error.status not in _GONE:
            raise


def _found(listed: Mapping[str, Any]) -> Found:
    name = str(listed["Names"][0]).removeprefix("/") if listed.get("Names") else str(listed["Id"])
    return Found(name, listed.get("Labels") or {}, datetime.fromtimestamp(listed["Created"], UTC))
