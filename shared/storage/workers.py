"""Workers in MongoDB; heartbeats are stamped by the database's clock."""

from datetime import timedelta

from shared.storage.calls import Database, asks, take
from shared.storage.documents import Document
from shared.storage.records import RunningStep, WorkerRecord
from shared.storage.server_time import ServerTime

INACTIVE = "inactive"


class MongoWorkers:
    """The worker store."""

    def __init__(self, database: Database, time: ServerTime) -> None:
        self._workers = database["workers"]
        self._time = time

    @asks
    async def beat(self, worker: WorkerRecord) -> None:
        update = {
            "$set": _encode(worker),
            "$currentDate": {"heartbeat_at": True},
            "$setOnInsert": {"registered_at": self._time.estimate()},
        }
        await self._workers.update_one({"_id": worker.id}, update, upsert=True)

    @asks
    async def find_silent(self, silent_for: timedelta) -> list[WorkerRecord]:
        until = await self._time.ask() - silent_for
        silent = self._workers.find({"is_active": True, "heartbeat_at": {"$lte": until}})
        return [_decode(document) for document in await silent.to_list(None)]

    @asks
    async def mark_inactive(self, worker_id: str) -> None:
        await self._workers.update_one({"_id": worker_id}, {"$set": {"status": INACTIVE, "is_active": False}})

    @asks
    async def find_holders(self, step: RunningStep, fresh_within: timedelta) -> list[str]:
        since = await self._time.ask() - fresh_within
        where = {
            "running.job_id": step.job_id,
            "running": {"$elemMatch": _encode_running(step)},
            "is_active": True,
            "heartbeat_at": {"$gt": since},
        }
        holders = await self._workers.find(where, {"_id": 1}).hint("by_running").to_list(None)
        return sorted(document["_id"] for document in holders)

    @asks
    async def list_workers(self, *, limit: int, offset: int) -> tuple[list[WorkerRecord], int]:
        page = self._workers.find({}).sort([("registered_at", -1), ("_id", -1)]).hint("by_registration")
        documents = await take(page.skip(offset), limit)
        return [_decode(document) for document in documents], await self._workers.estimated_document_count()

    @asks
    async def load(self, worker_id: str) -> WorkerRecord | None:
        document = await self._workers.find_one({"_id": worker_id})
        return _decode(document) if document else None


def _encode(worker: WorkerRecord) -> Document:
    return {
        "name": worker.name,
        "abilities": list(worker.abilities),
        "tags": list(worker.tags),
        "is_exclusive": worker.is_exclusive,
        "slots": worker.slots,
        "version": worker.version,
        "status": worker.status,
        "is_active": worker.status != INACTIVE,
        "running": [_encode_running(step) for step in worker.running],
    }


def _encode_running(step: RunningStep) -> Document:
    return {"job_id": step.job_id, "step": step.step, "attempt": step.attempt}


def _decode(document: Document) -> WorkerRecord:
    return WorkerRecord(
        id=document["_id"],
        name=document["name"],
        abilities=tuple(document["abilities"]),
        tags=tuple(document["tags"]),
        is_exclusive=document["is_exclusive"],
        slots=document["slots"],
        version=document["version"],
        status=document["status"],
        running=tuple(RunningStep(**step) for step in document["running"]),
        registered_at=document["registered_at"],
        heartbeat_at=document["heartbeat_at"],
    )
