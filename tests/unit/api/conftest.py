"""The api over a storage and a broker in memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient

from services.api.app import create_app
from services.api.parts import Parts
from services.api.settings import ApiSettings
from services.api.wiring import build, run_loops
from shared.broker.memory import MemoryBroker
from shared.storage.memory import MemoryStorage
from tests.unit.api.seed import seed_workspace


@pytest.fixture
async def parts() -> AsyncIterator[Parts]:
    """One api instance at work; its workspace `default` is the one of the contract's page."""
    storage = MemoryStorage()
    await seed_workspace(storage)
    built = build(ApiSettings(), storage=storage, broker=MemoryBroker())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_loops(built), name="loops")
        yield built
        built.lifecycle.stopping.set()


@pytest.fixture
async def api(parts: Parts) -> AsyncIterator[AsyncClient]:
    """A client of it."""
    async with AsyncClient(transport=ASGITransport(create_app(parts)), base_url="http://api") as client:
        yield client
