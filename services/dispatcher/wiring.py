"""Joins the dispatcher's parts: the one composition root."""

import asyncio
from dataclasses import dataclass
from functools import partial

from uuid_utils import uuid7

from services.dispatcher.own_partitions import OwnPartitions
from services.dispatcher.serve_partition import open_partition
from services.dispatcher.settings import DispatcherSettings
from shared.broker.ports import Broker
from shared.definition.templates import JinjaRenderer
from shared.orchestration.check_health import check_health
from shared.orchestration.configured import build_catalog, read_config
from shared.orchestration.orchestrator import Orchestrator
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.lifecycle import Lifecycle
from shared.storage.ports import Storage
from shared.telemetry.probe import serve_probe


@dataclass(frozen=True)
class Dispatcher:
    """A dispatcher's parts."""

    settings: DispatcherSettings
    storage: Storage
    broker: Broker
    orchestrator: Orchestrator
    own_partitions: OwnPartitions
    lifecycle: Lifecycle

    async def run(self) -> None:
        """Advance jobs until the stop signal, then hand the partitions on and send what is in hand."""
        host, port = self.settings.dispatcher_probe_host, self.settings.dispatcher_probe_port
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.orchestrator.run(self.lifecycle), name="orchestrator")
            tasks.create_task(self.own_partitions.run(self.lifecycle), name="partitions")
            tasks.create_task(serve_probe(host, port, self.check, self.lifecycle.stopping), name="probe")
        await self.orchestrator.drain()

    async def check(self) -> dict[str, str]:
        """Whether each part is well."""
        return await check_health(
            self.storage, self.broker, {**self.lifecycle.troubles, **self.own_partitions.troubles}
        )


def build(
    settings: DispatcherSettings,
    *,
    storage: Storage,
    broker: Broker,
    lifecycle: Lifecycle | None = None,
    clock: Clock | None = None,
) -> Dispatcher:
    """The parts over a storage and a broker; nothing runs yet.

    Raises:
        SettingsRefused: the server's YAML file makes no sense.
    """
    clock = clock or SystemClock()
    lifecycle = lifecycle or Lifecycle()
    partitions = settings.partitions
    catalog = build_catalog(storage.workspaces, read_config(settings), clock)
    orchestrator = Orchestrator(storage, broker, catalog, JinjaRenderer(), clock, partitions=partitions)
    own_partitions = OwnPartitions(
        storage.partitions,
        partial(open_partition, broker=broker, orchestrator=orchestrator),
        clock,
        dispatcher_id=str(uuid7()),
        partitions=partitions,
    )
    return Dispatcher(settings, storage, broker, orchestrator, own_partitions, lifecycle)
