"""Log chunks in MongoDB: one document each, its lines as one JSON text."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

from pymongo.errors import BulkWriteError

from shared.storage.calls import Database, asks, find_duplicates, take
from shared.storage.documents import Document
from shared.storage.json_text import dump_json, load_json
from shared.storage.records import LogChunk

CHUNKS_AT_ONCE = 32  # 2 MiB of full chunks in memory for each reader
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class MongoLogs:
    """The log store; `at` is the time of the first line, `last` the sequence number of the last one."""

    def __init__(self, database: Database) -> None:
        self._chunks = database["log_chunks"]

    @asks
    async def append(self, chunks: Sequence[LogChunk]) -> None:
        documents = [_encode(chunk) for chunk in chunks if chunk.lines]
        if not documents:
            return
        try:
            await self._chunks.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            find_duplicates(error)

    async def read(self, job_id: str, *, step: str | None = None) -> AsyncIterator[LogChunk]:
        """Keys first, then bodies bit by bit: no cursor waits for a slow reader."""
        ids = await self._find_ids(job_id, step)
        for at in range(0, len(ids), CHUNKS_AT_ONCE):
            for chunk in await self._load(ids[at : at + CHUNKS_AT_ONCE]):
                yield chunk

    @asks
    async def read_range(self, job_id: str, step: str, attempt: int, *, first: int, limit: int) -> list[LogChunk]:
        where = {"job_id": job_id, "step": step, "attempt": attempt, "last": {"$gte": first}}
        chunks = self._chunks.find(where).sort([("last", 1), ("first", 1)])
        return [_decode(document) for document in await take(chunks, limit)]

    @asks
    async def count_lines(self, job_id: str) -> dict[tuple[str, int], int]:
        lines = {"$sum": {"$add": [{"$subtract": ["$last", "$first"]}, 1]}}
        grouping = {"_id": {"step": "$step", "attempt": "$attempt"}, "count": lines}
        rows = await self._chunks.aggregate([{"$match": {"job_id": job_id}}, {"$group": grouping}]).to_list(None)
        return {(row["_id"]["step"], row["_id"]["attempt"]): row["count"] for row in rows}

    @asks
    async def _find_ids(self, job_id: str, step: str | None) -> list[str]:
        where = {"job_id": job_id} if step is None else {"job_id": job_id, "step": step}
        in_index = {"_id": 0, "at": 1, "step": 1, "attempt": 1, "first": 1}
        keys = await self._chunks.find(where, in_index).to_list(None)
        keys.sort(key=lambda key: (key["at"], key["step"], key["attempt"], key["first"]))
        return [_chunk_id(job_id, key["step"], key["attempt"], key["first"]) for key in keys]

    @asks
    async def _load(self, ids: Sequence[str]) -> list[LogChunk]:
        documents = await self._chunks.find({"_id": {"$in": list(ids)}}).to_list(None)
        chunks = {document["_id"]: document for document in documents}
        return [_decode(chunks[chunk_id]) for chunk_id in ids if chunk_id in chunks]


def _chunk_id(job_id: str, step: str, attempt: int, first: int) -> str:
    return f"{job_id}/{attempt}/{first}/{step}"  # what may hold a slash stands last


def _encode(chunk: LogChunk) -> Document:
    return {
        "_id": _chunk_id(chunk.job_id, chunk.step, chunk.attempt, chunk.first),
        "job_id": chunk.job_id,
        "step": chunk.step,
        "attempt": chunk.attempt,
        "first": chunk.first,
        "last": chunk.first + len(chunk.lines) - 1,
        "at": chunk.lines[0][0],
        "lines": dump_json([((at - _EPOCH) // _MICROSECOND, stream, text) for at, stream, text in chunk.lines]),
    }


def _decode(document: Document) -> LogChunk:
    rows = load_json(document["lines"])
    lines = tuple((_EPOCH + micros * _MICROSECOND, stream, text) for micros, stream, text in rows)
    return LogChunk(document["job_id"], document["step"], document["attempt"], document["first"], lines)
