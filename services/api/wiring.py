"""Joins the api's parts: the one composition root."""

import asyncio

from services.api.app import create_app
from services.api.follow_announcements import FollowAnnouncements
from services.api.job_ends import JobEnds
from services.api.live_logs import LiveLogs
from services.api.parts import Parts
from services.api.settings import ApiSettings
from services.api.store_logs import StoreLogs
from services.api.use_cases.refresh_workspace import RefreshWorkspace
from shared.broker.ports import Broker
from shared.definition.templates import JinjaRenderer
from shared.orchestration.configured import build_catalog, read_config
from shared.orchestration.orchestrator import Orchestrator
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.lifecycle import Lifecycle
from shared.storage.ports import Storage
from shared.telemetry.probe import serve_until


def build(
    settings: ApiSettings,
    *,
    storage: Storage,
    broker: Broker,
    lifecycle: Lifecycle | None = None,
    clock: Clock | None = None,
) -> Parts:
    """The parts over a storage and a broker; nothing runs yet.

    Raises:
        SettingsRefused: the server's YAML file makes no sense.
    """
    clock = clock or SystemClock()
    lifecycle = lifecycle or Lifecycle()
    catalog = build_catalog(storage.workspaces, read_config(settings), clock)
    return Parts(
        settings=settings,
        clock=clock,
        lifecycle=lifecycle,
        storage=storage,
        broker=broker,
        catalog=catalog,
        orchestrator=Orchestrator(storage, broker, catalog, JinjaRenderer(), clock, partitions=settings.partitions),
        live=LiveLogs(broker, storage.jobs),
        ends=JobEnds(storage.jobs, lifecycle.stopping),
        refresh=RefreshWorkspace(storage.workspaces, broker, catalog, clock),
    )


async def run_loops(parts: Parts) -> None:
    """Everything but HTTP, until the stop signal: the outbox's relay, the log-event consumer, live logs, hints."""
    announcements = FollowAnnouncements(parts.broker, parts.live, parts.ends, parts.catalog)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(parts.orchestrator.run(parts.lifecycle), name="orchestrator")
        tasks.create_task(StoreLogs(parts.broker, parts.storage.logs).run(parts.lifecycle), name="store_logs")
        tasks.create_task(parts.live.run(parts.lifecycle), name="live_logs")
        tasks.create_task(announcements.run(parts.lifecycle), name="announcements")


async def run(parts: Parts) -> None:
    """Serve until the stop signal, then send what the last requests left in hand."""
    settings, stopping = parts.settings, parts.lifecycle.stopping
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_loops(parts), name="loops")
        await serve_until(create_app(parts), settings.api_host, settings.api_port, stopping)
    await parts.orchestrator.drain()
