"""How far cron triggers have been fired, and which triggers are paused, in MongoDB."""

from datetime import datetime

from pymongo.errors import DuplicateKeyError

from shared.storage.calls import Database, asks


class MongoFires:
    """The fire store."""

    def __init__(self, database: Database) -> None:
        self._fires = database["trigger_fires"]
        self._pauses = database["trigger_pauses"]

    @asks
    async def load_fired_until(self) -> dict[str, datetime]:
        documents = await self._fires.find({}).hint("_id_").to_list(None)
        return {document["_id"]: document["fired_at"] for document in documents}

    @asks
    async def advance(self, trigger: str, fired_at: datetime) -> None:
        update = {"$max": {"fired_at": fired_at}}
        try:
            await self._fires.update_one({"_id": trigger}, update, upsert=True)
        except DuplicateKeyError:  # another scheduler was first to write it: now it exists
            await self._fires.update_one({"_id": trigger}, update)

    @asks
    async def pause(self, trigger: str, paused_at: datetime) -> None:
        try:
            await self._pauses.insert_one({"_id": trigger, "paused_at": paused_at})
        except DuplicateKeyError:  # it is paused
            return

    @asks
    async def resume(self, trigger: str) -> None:
        await self._pauses.delete_one({"_id": trigger})

    @asks
    async def load_paused(self) -> set[str]:
        return {document["_id"] for document in await self._pauses.find({}).hint("_id_").to_list(None)}
