"""A service's connections to database and broker, from start to stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from shared.broker import rabbit
from shared.broker.ports import Broker
from shared.broker.timings import Timings
from shared.orchestration.reach import reach
from shared.runtime.lifecycle import Lifecycle
from shared.runtime.settings import Settings
from shared.storage import client
from shared.storage.ports import Storage

PATIENCE = timedelta(seconds=5)  # then the log says once more what is missing


@asynccontextmanager
async def connected(settings: Settings, service: str, lifecycle: Lifecycle) -> AsyncIterator[tuple[Storage, Broker]]:
    """Both, as soon as they are there; disconnected at the end.

    Raises:
        SystemExit: the stop signal came before they did.
        Broken: the services disagree on the number of partitions, or broker or database hold things of another shape.
        Rejected: an address makes no sense.
    """
    mongo_url, rabbitmq_url = settings.mongo_url.get_secret_value(), settings.rabbitmq_url.get_secret_value()
    name, partitions = f"headrace.{service}", settings.partitions
    storage = await reach("database", lambda: client.connect(mongo_url, settings.database), lifecycle)
    try:
        await reach("database", lambda: storage.partitions.check_count(partitions), lifecycle)
        timings = Timings(patience=PATIENCE)
        broker = await reach(
            "broker", lambda: rabbit.connect(rabbitmq_url, name=name, partitions=partitions, timings=timings), lifecycle
        )
        try:
            yield storage, broker
        finally:
            await broker.close()
    finally:
        await storage.close()
