"""Routes that have a queue, in MongoDB."""

from pymongo.errors import DuplicateKeyError

from shared.storage.calls import Database, asks


class MongoRoutes:
    """The route store."""

    def __init__(self, database: Database) -> None:
        self._routes = database["routes"]

    @asks
    async def add(self, route: str) -> bool:
        try:
            await self._routes.insert_one({"_id": route})
        except DuplicateKeyError:
            return False
        return True

    @asks
    async def list_routes(self) -> list[str]:
        documents = await self._routes.find({}).hint("_id_").to_list(None)
        return sorted(document["_id"] for document in documents)
