"""Joins the api's parts: the one composition root."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.api.app import create_app
from services.api.follow_announcements import FollowAnnouncements
from services.api.live_logs import LiveLogs
from services.api.parts import Parts
from services.api.settings import ApiSettings
from services.api.store_logs import StoreLogs
from shared.broker import rabbit
from shared.broker.ports import Broker
from shared.definition.templates import JinjaRenderer
from shared.orchestration.catalog import Catalog
from shared.orchestration.orchestrator import Orchestrator
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.lifecycle import Lifecycle
from shared.storage import client
from shared.storage.ports import Storage
from shared.telemetry.probe import serve_until


def build(settings: ApiSettings, *, storage: Storage, broker: Broker, clock: Clock | None = None) -> Parts:
    """The parts over a storage and a broker; nothing runs yet."""
    clock = clock or SystemClock()
    catalog = Catalog(storage.workspaces, clock=clock)
    return Parts(
        settings=settings,
        clock=clock,
        lifecycle=Lifecycle(),
        storage=storage,
        broker=broker,
        catalog=catalog,
        orchestrator=Orchestrator(storage, broker, catalog, JinjaRenderer(), clock, partitions=settings.partitions),
        live=LiveLogs(broker, storage.jobs),
    )


@asynccontextmanager
async def connected(settings: ApiSettings) -> AsyncIterator[Parts]:
    """The parts over the real servers, disconnected at the end.

    Raises:
        Unavailable: a server can't be reached.
        Broken: the services disagree on the number of partitions, or the broker has another topology.
    """
    storage = await client.connect(settings.mongo_url.get_secret_value(), settings.database)
    try:
        await storage.partitions.check_count(settings.partitions)
        url = settings.rabbitmq_url.get_secret_value()
        broker = await rabbit.connect(url, name="headrace.api", partitions=settings.partitions)
        try:
            yield build(settings, storage=storage, broker=broker)
        finally:
            await broker.close()
    finally:
        await storage.close()


async def run_loops(parts: Parts) -> None:
    """Everything but HTTP, until the stop signal: the outbox's relay, the log-event consumer, live logs, hints."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(parts.orchestrator.run(parts.lifecycle), name="orchestrator")
        tasks.create_task(StoreLogs(parts.broker, parts.storage.logs).run(parts.lifecycle), name="store_logs")
        tasks.create_task(parts.live.run(parts.lifecycle), name="live_logs")
        announcements = FollowAnnouncements(parts.broker, parts.live, parts.catalog)
        tasks.create_task(announcements.run(parts.lifecycle), name="announcements")


async def run(parts: Parts) -> None:
    """Serve until the stop signal."""
    settings, stopping = parts.settings, parts.lifecycle.stopping
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_loops(parts), name="loops")
        await serve_until(create_app(parts), settings.api_host, settings.api_port, stopping)
