"""The connection to MongoDB: the only place that builds a client."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Any

import pymongo
from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import IndexModel, ReadPreference, WriteConcern
from pymongo.errors import ConfigurationError, InvalidURI
from pymongo.monitoring import CommandListener
from pymongo.read_concern import ReadConcern

from shared.errors import Rejected
from shared.storage.artifacts import MongoArtifacts
from shared.storage.calls import DRIVER_DEADLINE, Database, asks, translated
from shared.storage.fires import MongoFires
from shared.storage.idempotency import MongoIdempotency
from shared.storage.indexes import INDEXES, Index
from shared.storage.jobs import MongoJobs
from shared.storage.logs import MongoLogs
from shared.storage.partitions import MongoPartitions
from shared.storage.routes import MongoRoutes
from shared.storage.server_time import ServerTime
from shared.storage.snapshots import MongoSnapshots
from shared.storage.timers import MongoTimers
from shared.storage.workers import MongoWorkers
from shared.storage.workspaces import MongoWorkspaces

SELECTION = timedelta(seconds=4)  # a new primary is elected within a few seconds; the caller's loop tries again
INDEX_BUILD = timedelta(minutes=2)  # only an upgrade over many documents takes more than a moment
PING = timedelta(seconds=3)
FAREWELL = timedelta(seconds=2)

Client = AsyncIOMotorClient[dict[str, Any]]


class MongoStorage:
    """All stores of one MongoDB database."""

    def __init__(self, client: Client, database: Database) -> None:
        self._client = client
        self._database = database
        self._time = ServerTime(database)
        self.jobs = MongoJobs(database, self._time)
        self.timers = MongoTimers(database)
        self.workers = MongoWorkers(database, self._time)
        self.workspaces = MongoWorkspaces(database)
        self.fires = MongoFires(database)
        self.logs = MongoLogs(database)
        self.partitions = MongoPartitions(database, self._time)
        self.routes = MongoRoutes(database)
        self.idempotency = MongoIdempotency(database, self._time)
        self.snapshots = MongoSnapshots(database)
        self.artifacts = MongoArtifacts(database)

    async def ping(self) -> None:
        with translated():
            async with asyncio.timeout(PING.total_seconds()):
                await self._time.ask()

    async def close(self) -> None:
        """Say goodbye in a thread: the driver's farewell waits for the server."""
        with pymongo.timeout(FAREWELL.total_seconds()):
            await asyncio.to_thread(self._client.close)

    @asks
    async def measure_time(self) -> None:
        """Learn how far the database's clock is from this process's."""
        await self._time.ask()

    async def create_indexes(self) -> None:
        """Make sure that every declared index exists. Repeats: harmless."""
        with translated(), pymongo.timeout(INDEX_BUILD.total_seconds()):
            async with asyncio.timeout(INDEX_BUILD.total_seconds()):
                for collection in dict.fromkeys(index.collection for index in INDEXES):
                    models = [_model(index) for index in INDEXES if index.collection == collection]
                    await self._database[collection].create_indexes(models)


async def connect(
    url: str, database: str, *, deadline: timedelta = DRIVER_DEADLINE, listeners: Sequence[CommandListener] = ()
) -> MongoStorage:
    """Reach the database, make sure of its indexes, and answer its stores.

    No command lasts longer than `deadline`; `listeners` are told of each command.

    Raises:
        StoreUnavailable: not reachable within about 4 s.
        Rejected: the URL makes no sense.
        Broken: an index of the same name and another shape exists.
    """
    storage = _open(url, database, deadline, listeners)
    try:
        await storage.measure_time()
        await storage.create_indexes()
    except BaseException:
        await storage.close()
        raise
    return storage


def _open(url: str, database: str, deadline: timedelta, listeners: Sequence[CommandListener]) -> MongoStorage:
    try:
        client: Client = AsyncIOMotorClient(
            url,
            appname="headrace",
            event_listeners=list(listeners),
            retryWrites=False,  # `asks` says why
            retryReads=True,
            timeoutMS=_millis(deadline),
            serverSelectionTimeoutMS=_millis(SELECTION),
            connectTimeoutMS=_millis(SELECTION),
        )
    except (ConfigurationError, InvalidURI, ValueError):
        raise Rejected("HEADRACE_MONGO_URL is not a mongodb:// URL with known options") from None
    return MongoStorage(
        client,
        client.get_database(
            database,
            codec_options=CodecOptions(tz_aware=True, tzinfo=UTC),
            read_preference=ReadPreference.PRIMARY,
            write_concern=WriteConcern(w="majority", j=True),
            read_concern=ReadConcern("majority"),
        ),
    )


def _model(index: Index) -> IndexModel:
    options: dict[str, Any] = {"name": index.name}
    if index.expires_after is not None:
        options["expireAfterSeconds"] = int(index.expires_after.total_seconds())
    return IndexModel(list(index.fields), **options)


def _millis(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)
