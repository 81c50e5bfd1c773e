"""Workspaces, revisions and their files in MongoDB."""

from collections.abc import Sequence
from hashlib import sha256

from pymongo.errors import DuplicateKeyError

from shared.errors import Broken, Rejected
from shared.storage.calls import Database, asks
from shared.storage.documents import Document
from shared.storage.json_text import dump_json, load_json
from shared.storage.records import RevisionRecord, WorkspaceRecord

PART_BYTES = 4 * 2**20  # a part travels well within one call's deadline and stays below the 16 MiB of a document
MOST_PARTS = 64  # 256 MiB of packed files: more does not belong into a workspace


class MongoWorkspaces:
    """The workspace store.

    A revision names its archive by digest; the archive's parts are kept under the digest before the revision is, so
    that whoever sees the revision can fetch all of it.
    """

    def __init__(self, database: Database) -> None:
        self._workspaces = database["workspaces"]
        self._revisions = database["revisions"]
        self._parts = database["archive_parts"]

    async def put_revision(self, record: RevisionRecord, archive: bytes) -> None:
        if await self._has_revision(record):
            return
        parts = _cut(archive)
        if len(parts) > MOST_PARTS:
            raise Rejected(f"the workspace's files have {len(archive)} bytes packed; at most {MOST_PARTS * PART_BYTES}")
        digest = sha256(archive).hexdigest()
        for index, part in enumerate(parts):
            await self._put_part(_part_id(digest, index), part)
        await self._put_record(record, digest, len(parts))

    @asks
    async def set_current(self, record: WorkspaceRecord) -> None:
        fields = {"revision": record.revision, "error": record.error, "loaded_at": record.loaded_at}
        if record.refreshed_at is not None:
            fields["refreshed_at"] = record.refreshed_at
        await self._workspaces.update_one({"_id": record.name}, {"$set": fields}, upsert=True)

    @asks
    async def remove_others(self, names: Sequence[str]) -> None:
        known = await self._workspaces.find({}, {"_id": 1}).hint("_id_").to_list(None)
        gone = sorted({document["_id"] for document in known} - set(names))
        if gone:
            await self._workspaces.delete_many({"_id": {"$in": gone}})

    @asks
    async def list_workspaces(self) -> list[WorkspaceRecord]:
        documents = await self._workspaces.find({}).sort("_id", 1).hint("_id_").to_list(None)
        return [_decode_workspace(document) for document in documents]

    @asks
    async def load_workspace(self, name: str) -> WorkspaceRecord | None:
        document = await self._workspaces.find_one({"_id": name})
        return _decode_workspace(document) if document else None

    @asks
    async def load_revision(self, workspace: str, revision: str) -> RevisionRecord | None:
        document = await self._revisions.find_one({"_id": _revision_id(workspace, revision)})
        if document is None:
            return None
        definition, problems = load_json(document["definition"]), load_json(document["problems"])
        return RevisionRecord(workspace, revision, definition, tuple(problems))

    async def load_archive(self, workspace: str, revision: str) -> bytes | None:
        found = await self._find_archive(workspace, revision)
        if found is None:
            return None
        digest, count = found
        archive = b"".join([await self._load_part(_part_id(digest, index)) for index in range(count)])
        if sha256(archive).hexdigest() != digest:
            raise Broken("the stored files of a revision are damaged", workspace=workspace, revision=revision)
        return archive

    @asks
    async def _has_revision(self, record: RevisionRecord) -> bool:
        return (
            await self._revisions.find_one({"_id": _revision_id(record.workspace, record.revision)}, {"_id": 1})
            is not None
        )

    @asks
    async def _put_part(self, part_id: str, part: bytes) -> None:
        try:
            await self._parts.insert_one({"_id": part_id, "data": part})
        except DuplicateKeyError:
            return  # same digest, same bytes

    @asks
    async def _put_record(self, record: RevisionRecord, digest: str, count: int) -> None:
        document = {
            "_id": _revision_id(record.workspace, record.revision),
            "definition": dump_json(record.definition),
            "problems": dump_json(list(record.problems)),
            "archive_digest": digest,
            "archive_parts": count,
        }
        try:
            await self._revisions.insert_one(document)
        except DuplicateKeyError:
            return  # a revision never changes

    @asks
    async def _find_archive(self, workspace: str, revision: str) -> tuple[str, int] | None:
        wanted = {"archive_digest": 1, "archive_parts": 1}
        document = await self._revisions.find_one({"_id": _revision_id(workspace, revision)}, wanted)
        return (document["archive_digest"], document["archive_parts"]) if document else None

    @asks
    async def _load_part(self, part_id: str) -> bytes:
        document = await self._parts.find_one({"_id": part_id})
        if document is None:
            raise Broken("a part of a revision's files is missing", part=part_id)
        return bytes(document["data"])


def _cut(archive: bytes) -> list[bytes]:
    return [archive[at : at + PART_BYTES] for at in range(0, len(archive), PART_BYTES)]


def _part_id(digest: str, index: int) -> str:
    return f"{digest}/{index}"


def _revision_id(workspace: str, revision: str) -> str:
    return f"{revision}/{workspace}"  # a revision is a hash: the first slash ends it


def _decode_workspace(document: Document) -> WorkspaceRecord:
    return WorkspaceRecord(
        document["_id"],
        document["revision"],
        document["error"],
        document["loaded_at"],
        document.get("refreshed_at"),
    )
