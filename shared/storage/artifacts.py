"""Artifacts in MongoDB."""

from collections.abc import Sequence

from pymongo.errors import DuplicateKeyError

from shared.errors import NotFound
from shared.storage.artifact_records import ArtifactRecord
from shared.storage.calls import Database, asks
from shared.storage.documents import Document


class MongoArtifacts:
    """The artifact store: one document for each (job, name), the bytes in parts of their own."""

    def __init__(self, database: Database) -> None:
        self._artifacts = database["artifacts"]
        self._parts = database["artifact_parts"]

    @asks
    async def put_part(self, content: str, index: int, data: bytes) -> None:
        try:
            await self._parts.insert_one({"_id": _part_id(content, index), "data": data})
        except DuplicateKeyError:
            return  # the same upload, the same bytes

    @asks
    async def load_part(self, content: str, index: int) -> bytes:
        document = await self._parts.find_one({"_id": _part_id(content, index)})
        if document is None:
            raise NotFound("the artifact was replaced meanwhile")
        return bytes(document["data"])

    @asks
    async def put(self, record: ArtifactRecord) -> ArtifactRecord | None:
        key = _id(record.job_id, record.name)
        document = await self._artifacts.find_one({"_id": key})
        before = _decode(document) if document else None
        if before is not None and before.content == record.content:
            return None
        fields = {name: getattr(record, name) for name in _FIELDS}
        not_newer = [{"step": {"$ne": record.step}}, {"attempt": {"$lte": record.attempt}}]
        try:
            await self._artifacts.update_one({"_id": key, "$or": not_newer}, {"$set": fields}, upsert=True)
        except DuplicateKeyError:  # a later attempt of the step was faster
            return record
        return before

    @asks
    async def list_of(self, job_id: str) -> list[ArtifactRecord]:
        wanted = {"_id": {"$gte": _id(job_id, ""), "$lt": f"{job_id}0"}}  # "0" follows "/"
        documents = await self._artifacts.find(wanted).sort("_id", 1).hint("_id_").to_list(None)
        return [_decode(document) for document in documents]

    @asks
    async def load(self, job_id: str, name: str) -> ArtifactRecord | None:
        document = await self._artifacts.find_one({"_id": _id(job_id, name)})
        return _decode(document) if document else None

    @asks
    async def remove_parts(self, records: Sequence[ArtifactRecord]) -> None:
        ids = [_part_id(record.content, index) for record in records for index in range(record.part_count)]
        if ids:
            await self._parts.delete_many({"_id": {"$in": ids}})


_FIELDS = ("job_id", "name", "step", "attempt", "content", "content_type", "size_bytes", "created_at")


def _id(job_id: str, name: str) -> str:
    return f"{job_id}/{name}"  # a job's id has no slash


def _part_id(content: str, index: int) -> str:
    return f"{content}/{index}"


def _decode(document: Document) -> ArtifactRecord:
    return ArtifactRecord(**{name: document[name] for name in _FIELDS})
