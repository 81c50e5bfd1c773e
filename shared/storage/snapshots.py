"""State snapshots in MongoDB."""

from typing import Any

from pymongo.errors import DuplicateKeyError

from shared.storage.calls import Database, asks
from shared.storage.documents import Document
from shared.storage.json_text import dump_json, load_json
from shared.storage.records import SnapshotRecord, StateScope

INLINE_BYTES = 2**20  # a smaller archive stands in its snapshot's document: one write for the usual state
PART_BYTES = 4 * 2**20  # travels well within one call's deadline and stays below the 16 MiB of a document


class MongoSnapshots:
    """The snapshot store.

    Each snapshot has a number of its own in its scope and an archive of its own. The parts of a large archive are kept
    before the snapshot and removed before it, so that whoever sees the latest snapshot can fetch all of it.
    """

    def __init__(self, database: Database) -> None:
        self._snapshots = database["snapshots"]
        self._parts = database["snapshot_parts"]

    @asks
    async def latest(self, scope: StateScope) -> SnapshotRecord | None:
        newest = [("number", -1)]
        document = await self._snapshots.find_one({"scope": _scope_id(scope)}, {"data": 0}, sort=newest)
        return _decode(scope, document) if document else None

    @asks
    async def list_snapshots(self, scope: StateScope) -> list[SnapshotRecord]:
        found = self._snapshots.find({"scope": _scope_id(scope)}, {"data": 0}).sort([("number", -1)])
        return [_decode(scope, document) for document in await found.to_list(None)]

    async def load_archive(self, snapshot: SnapshotRecord) -> bytes | None:
        document = await self._find_archive(snapshot)
        if document is None or document["id"] != snapshot.id:
            return None
        if not document["parts"]:
            return bytes(document["data"])
        parts = [await self._load_part(snapshot, index) for index in range(document["parts"])]
        archive = b"".join(part for part in parts if part is not None)
        return archive if len(archive) == snapshot.archive_bytes else None  # removed while it was read

    async def put(self, snapshot: SnapshotRecord, archive: bytes, *, keep: int) -> bool:
        parts = _cut(archive) if len(archive) > INLINE_BYTES else []
        for index, part in enumerate(parts):
            await self._put_part(snapshot, index, part)
        is_kept = await self._put_record(snapshot, b"" if parts else archive, len(parts))
        if not is_kept:
            await self._remove_parts(snapshot.id, snapshot.number, len(parts))
        await self._prune(snapshot.scope, keep)
        return is_kept

    @asks
    async def _find_archive(self, snapshot: SnapshotRecord) -> Document | None:
        wanted = {"id": 1, "data": 1, "parts": 1}
        return await self._snapshots.find_one({"_id": _snapshot_id(snapshot.scope, snapshot.number)}, wanted)

    @asks
    async def _load_part(self, snapshot: SnapshotRecord, index: int) -> bytes | None:
        document = await self._parts.find_one({"_id": _part_id(snapshot.id, snapshot.number, index)})
        return bytes(document["data"]) if document else None

    @asks
    async def _put_part(self, snapshot: SnapshotRecord, index: int, part: bytes) -> None:
        try:
            await self._parts.insert_one({"_id": _part_id(snapshot.id, snapshot.number, index), "data": part})
        except DuplicateKeyError:
            return  # the first try of the same

    @asks
    async def _put_record(self, snapshot: SnapshotRecord, data: bytes, parts: int) -> bool:
        document = {
            "_id": _snapshot_id(snapshot.scope, snapshot.number),
            "scope": _scope_id(snapshot.scope),
            "number": snapshot.number,
            "id": snapshot.id,
            "state": dump_json(snapshot.state),
            "files": dump_json(snapshot.files),
            "archive_bytes": snapshot.archive_bytes,
            "job_id": snapshot.job_id,
            "step": snapshot.step,
            "created_at": snapshot.created_at,
            "data": data,
            "parts": parts,
        }
        try:
            await self._snapshots.insert_one(document)
        except DuplicateKeyError:
            stored = await self._snapshots.find_one({"_id": document["_id"]}, {"id": 1})
            return stored is not None and stored["id"] == snapshot.id
        return True

    async def _prune(self, scope: StateScope, keep: int) -> None:
        for number, snapshot_id, parts in (await self._list_pruned(scope))[keep:]:
            await self._remove_parts(snapshot_id, number, parts)
            await self._remove(scope, number)

    @asks
    async def _list_pruned(self, scope: StateScope) -> list[tuple[int, str, int]]:
        found = self._snapshots.find({"scope": _scope_id(scope)}, {"number": 1, "id": 1, "parts": 1})
        documents = await found.sort([("number", -1)]).to_list(None)
        return [(document["number"], document["id"], document["parts"]) for document in documents]

    @asks
    async def _remove_parts(self, snapshot_id: str, number: int, parts: int) -> None:
        if parts:
            ids = [_part_id(snapshot_id, number, index) for index in range(parts)]
            await self._parts.delete_many({"_id": {"$in": ids}})

    @asks
    async def _remove(self, scope: StateScope, number: int) -> None:
        await self._snapshots.delete_one({"_id": _snapshot_id(scope, number)})


def _cut(archive: bytes) -> list[bytes]:
    return [archive[at : at + PART_BYTES] for at in range(0, len(archive), PART_BYTES)]


def _scope_id(scope: StateScope) -> str:
    return dump_json([scope.workspace, scope.task])


def _snapshot_id(scope: StateScope, number: int) -> str:
    return f"{number}/{_scope_id(scope)}"


def _part_id(snapshot_id: str, number: int, index: int) -> str:
    return f"{snapshot_id}/{number}/{index}"


def _decode(scope: StateScope, document: dict[str, Any]) -> SnapshotRecord:
    return SnapshotRecord(
        id=document["id"],
        scope=scope,
        number=document["number"],
        state=load_json(document["state"]),
        files=load_json(document["files"]),
        archive_bytes=document["archive_bytes"],
        job_id=document["job_id"],
        step=document["step"],
        created_at=document["created_at"],
    )
