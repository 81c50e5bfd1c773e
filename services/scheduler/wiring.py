"""Joins the scheduler's parts: the one composition root."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from services.scheduler.find_lost import FindLost
from services.scheduler.fire_cron import FireCron
from services.scheduler.fire_timers import FireTimers
from services.scheduler.follow_libraries import FollowLibraries
from services.scheduler.follow_sources import FollowSources
from services.scheduler.git_source import GitFiles
from services.scheduler.hear_refresh import HearRefresh
from services.scheduler.settings import SchedulerSettings
from services.scheduler.source import FileSource, FolderFiles
from services.scheduler.sync_workspaces import SyncWorkspaces
from shared.broker.ports import Broker
from shared.definition.templates import JinjaRenderer
from shared.orchestration.check_health import check_health
from shared.orchestration.configured import build_catalog, read_config
from shared.orchestration.orchestrator import Orchestrator
from shared.orchestration.sweep import resend_owed
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.lifecycle import Body, Lifecycle
from shared.runtime.server_config import ServerConfig
from shared.runtime.sources import FolderSource, Source
from shared.storage.ports import Storage
from shared.telemetry.probe import serve_probe

SWEEP_EVERY = timedelta(seconds=10)  # an outbox is left alone for 30 s anyway


@dataclass(frozen=True)
class Scheduler:
    """A scheduler's parts; each may run in any number of schedulers at once."""

    settings: SchedulerSettings
    config: ServerConfig
    storage: Storage
    broker: Broker
    orchestrator: Orchestrator
    follow_sources: FollowSources
    fire_cron: FireCron
    fire_timers: FireTimers
    find_lost: FindLost
    lifecycle: Lifecycle

    async def run(self) -> None:
        """Keep time and watch until the stop signal, then send what is in hand."""
        host, port = self.settings.scheduler_probe_host, self.settings.scheduler_probe_port
        loops: dict[str, Body] = {
            "cron.fire": self._as_told(self.fire_cron.look),
            "timers.fire": self._as_told(self.fire_timers.look),
            "workers.find_lost": self._every(
                timedelta(seconds=self.config.recovery.sweep_interval_secs), self.find_lost.look
            ),
            "outbox.sweep": self._every(SWEEP_EVERY, lambda: resend_owed(self.storage.jobs, self.orchestrator)),
        }
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.orchestrator.run(self.lifecycle), name="orchestrator")
            tasks.create_task(serve_probe(host, port, self.check, self.lifecycle.stopping), name="probe")
            tasks.create_task(self.follow_sources.run(self.lifecycle), name="follow_sources")
            for name, body in loops.items():
                tasks.create_task(self.lifecycle.repeat(name, body), name=name)
        await self.orchestrator.drain()

    async def check(self) -> dict[str, str]:
        """Whether each part is well."""
        return await check_health(self.storage, self.broker, self.lifecycle.troubles)

    def _every(self, duration: timedelta, look: Callable[[], Awaitable[object]]) -> Body:
        async def body() -> None:
            await look()
            await self.lifecycle.pause(duration)

        return body

    def _as_told(self, look: Callable[[], Awaitable[timedelta]]) -> Body:
        """Look again when the look itself says so."""

        async def body() -> None:
            await self.lifecycle.pause(await look())

        return body


def build(
    settings: SchedulerSettings,
    *,
    storage: Storage,
    broker: Broker,
    lifecycle: Lifecycle | None = None,
    clock: Clock | None = None,
) -> Scheduler:
    """The parts over a storage and a broker; nothing runs yet.

    Raises:
        SettingsRefused: the server's YAML file makes no sense.
    """
    clock = clock or SystemClock()
    partitions, config = settings.partitions, read_config(settings)
    catalog = build_catalog(storage.workspaces, config, clock)
    orchestrator = Orchestrator(storage, broker, catalog, JinjaRenderer(), clock, partitions=partitions)
    sources = {name: _open(source, settings, clock) for name, source in config.workspaces.items()}
    libraries = FollowLibraries({name: _open(source, settings, clock) for name, source in config.libraries.items()})
    sync = SyncWorkspaces(storage.workspaces, broker, catalog, clock, sources, libraries)
    silent_for = timedelta(seconds=config.recovery.heartbeat_timeout_secs)
    return Scheduler(
        settings=settings,
        config=config,
        storage=storage,
        broker=broker,
        orchestrator=orchestrator,
        follow_sources=FollowSources(sync, HearRefresh(broker, sync)),
        fire_cron=FireCron(storage.workspaces, storage.fires, storage.jobs, catalog, orchestrator, clock),
        fire_timers=FireTimers(storage.timers, broker, clock, partitions=partitions),
        find_lost=FindLost(storage.workers, storage.jobs, broker, clock, partitions=partitions, silent_for=silent_for),
        lifecycle=lifecycle or Lifecycle(),
    )


def _open(source: Source, settings: SchedulerSettings, clock: Clock) -> FileSource:
    if isinstance(source, FolderSource):
        return FolderFiles(source.path)
    return GitFiles(source, settings.scheduler_data_dir, clock)
