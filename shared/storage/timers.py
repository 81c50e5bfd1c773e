"""Timers in MongoDB."""

from collections.abc import Sequence
from datetime import datetime

from pymongo.errors import BulkWriteError

from shared.engine.states import TimerKind
from shared.storage.calls import Database, asks, find_duplicates, take
from shared.storage.documents import Document
from shared.storage.records import Timer


class MongoTimers:
    """The timer store."""

    def __init__(self, database: Database) -> None:
        self._timers = database["timers"]

    @asks
    async def put(self, timers: Sequence[Timer]) -> None:
        if not timers:
            return
        try:
            await self._timers.insert_many([_encode(timer) for timer in timers], ordered=False)
        except BulkWriteError as error:
            find_duplicates(error)

    @asks
    async def find_due(self, now: datetime, limit: int) -> list[Timer]:
        due = self._timers.find({"due_at": {"$lte": now}}).sort([("due_at", 1), ("_id", 1)])
        return [_decode(document) for document in await take(due, limit)]

    @asks
    async def next_due_at(self) -> datetime | None:
        first = await self._timers.find_one({}, {"due_at": 1}, sort=[("due_at", 1)], hint="by_due")
        return first["due_at"] if first else None

    @asks
    async def remove(self, timer_ids: Sequence[str]) -> None:
        if timer_ids:
            await self._timers.delete_many({"_id": {"$in": list(timer_ids)}})

    @asks
    async def find_of(self, job_ids: Sequence[str]) -> list[Timer]:
        if not job_ids:
            return []
        return [_decode(one) for one in await self._timers.find({"job_id": {"$in": list(job_ids)}}).to_list(None)]


def _encode(timer: Timer) -> Document:
    return {
        "_id": timer.id,
        "job_id": timer.job_id,
        "kind": str(timer.kind),
        "due_at": timer.due_at,
        "step": timer.step,
        "attempt": timer.attempt,
    }


def _decode(document: Document) -> Timer:
    return Timer(
        id=document["_id"],
        job_id=document["job_id"],
        kind=TimerKind(document["kind"]),
        due_at=document["due_at"],
        step=document["step"],
        attempt=document["attempt"],
    )
