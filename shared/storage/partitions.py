"""Leases of event partitions in MongoDB, by the database's clock."""

from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from shared.errors import Broken
from shared.storage.calls import Database, asks
from shared.storage.server_time import ServerTime

_COUNT = "count"


class MongoPartitions:
    """The partition store.

    A lease ends `lease` after the database was asked for its time, a little before `lease` after it was granted: of two
    dispatchers the later one is the one that waits.
    """

    def __init__(self, database: Database, time: ServerTime) -> None:
        self._partitions = database["partitions"]
        self._dispatchers = database["dispatchers"]
        self._time = time

    @asks
    async def check_count(self, partitions: int) -> None:
        try:
            await self._partitions.insert_one({"_id": _COUNT, "partitions": partitions})
        except DuplicateKeyError:
            stored = await self._partitions.find_one({"_id": _COUNT})
            if stored is None or stored["partitions"] != partitions:
                told = stored and stored["partitions"]
                raise Broken(f"the database was set up for {told} partitions, this service for {partitions}") from None

    @asks
    async def beat(self, dispatcher_id: str, lease: timedelta) -> int:
        now = await self._time.ask()
        fields = {"$set": {"expires_at": now + lease}}
        await self._dispatchers.update_one({"_id": dispatcher_id}, fields, upsert=True)
        return await self._dispatchers.count_documents({"expires_at": {"$gt": now}}, hint="by_expiry")

    @asks
    async def leave(self, dispatcher_id: str) -> None:
        await self._partitions.delete_many({"owner": dispatcher_id})
        await self._dispatchers.delete_one({"_id": dispatcher_id})

    @asks
    async def owned(self, dispatcher_id: str) -> set[int]:
        now = await self._time.ask()
        leases = self._partitions.find({"owner": dispatcher_id, "expires_at": {"$gt": now}}, {"_id": 1})
        return {document["_id"] for document in await leases.to_list(None)}

    @asks
    async def acquire(self, dispatcher_id: str, partition: int, lease: timedelta) -> bool:
        now = await self._time.ask()
        free = {"_id": partition, "$or": [{"owner": dispatcher_id}, {"expires_at": {"$lte": now}}]}
        fields = {"$set": {"owner": dispatcher_id, "expires_at": now + lease}}
        try:
            await self._partitions.update_one(free, fields, upsert=True)
        except DuplicateKeyError:  # it exists and is another's
            return False
        return True

    @asks
    async def release(self, dispatcher_id: str, partition: int) -> None:
        await self._partitions.delete_one({"_id": partition, "owner": dispatcher_id})
