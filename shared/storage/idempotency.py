"""Answers to POSTs with an Idempotency-Key, in MongoDB."""

from pymongo.errors import DuplicateKeyError

from shared.errors import StoreUnavailable
from shared.storage.calls import Database, asks
from shared.storage.server_time import ServerTime


class MongoIdempotency:
    """The idempotency store; an index forgets keys after 24 h."""

    def __init__(self, database: Database, time: ServerTime) -> None:
        self._keys = database["idempotency_keys"]
        self._time = time

    @asks
    async def claim(self, key: str, digest: str, job_id: str) -> tuple[str, str]:
        document = {"_id": key, "digest": digest, "job_id": job_id, "created_at": self._time.estimate()}
        try:
            await self._keys.insert_one(document)
        except DuplicateKeyError:
            stored = await self._keys.find_one({"_id": key})
            if stored is None:
                raise StoreUnavailable("the key was forgotten this moment") from None
            return stored["digest"], stored["job_id"]
        return digest, job_id
