"""Jobs in MongoDB: one document each, every change one guarded update."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from shared.engine.states import TERMINAL_JOB, JobStatus
from shared.storage.blobs import BlobShelf
from shared.storage.calls import Database, asks, find_duplicates, take
from shared.storage.documents import Document, decode_job, encode_job, find_changes
from shared.storage.flows import FlowShelf
from shared.storage.look_ups import (
    LISTED_BY,
    OWING,
    SUMMARY_FIELDS,
    decode_step_rows,
    decode_summary,
    event_mark,
    mark,
)
from shared.storage.records import JobFilter, JobSave, JobSummary, RunningStep, StepRow, StoredJob
from shared.storage.server_time import ServerTime


class MongoJobs:
    """The job store.

    `outbox_at` is the database's time of the last write that left commands in the outbox; unset when it is empty.
    `write_id` names the last insert or save, so that it is known for its own when it is tried again.
    """

    def __init__(self, database: Database, time: ServerTime) -> None:
        self._jobs = database["jobs"]
        self._flows = FlowShelf(database)
        self._blobs = BlobShelf(database)
        self._time = time

    async def insert(self, jobs: Sequence[StoredJob]) -> list[bool]:
        return await self._insert(jobs, _new_write_ids(len(jobs))) if jobs else []

    @asks
    async def load(self, job_ids: Sequence[str]) -> dict[str, StoredJob]:
        if not job_ids:
            return {}
        documents = await self._jobs.find({"_id": {"$in": list(job_ids)}}).to_list(None)
        return {stored.job.id: stored for stored in await self._decode(documents)}

    async def save(self, saves: Sequence[JobSave]) -> list[bool]:
        return await self._save(saves, _new_write_ids(len(saves))) if saves else []

    @asks
    async def clear_outbox(self, done: Mapping[str, Sequence[str]]) -> None:
        updates = [UpdateOne({"_id": job_id}, _without(command_ids)) for job_id, command_ids in done.items()]
        if updates:
            await self._jobs.bulk_write(updates, ordered=False)

    @asks
    async def find_owing(self, older_than: timedelta, limit: int) -> list[StoredJob]:
        until = await self._time.ask() - older_than
        found = self._jobs.find({"found_by": OWING, "outbox_at": {"$lte": until}}).sort("outbox_at", 1).hint("by_mark")
        return await self._decode(await take(found, limit))

    @asks
    async def find_running_on(self, worker_id: str) -> list[RunningStep]:
        found = self._jobs.find({"found_by": mark("lease", worker_id)}, {"leases": 1})
        return [
            RunningStep(document["_id"], lease["step"], lease["attempt"])
            for document in await found.to_list(None)
            for lease in document["leases"]
            if lease["worker_id"] == worker_id
        ]

    @asks
    async def find_waiting(self, workspace: str, event_key: str, limit: int) -> list[str]:
        found = self._jobs.find({"found_by": event_mark(workspace, event_key)}, {"_id": 1}).sort("_id", 1)
        return [document["_id"] for document in await take(found, limit)]

    @asks
    async def list_jobs(self, wanted: JobFilter, *, limit: int, offset: int) -> tuple[list[JobSummary], int]:
        where, index = _select(wanted)
        page = self._jobs.find(where, dict.fromkeys(SUMMARY_FIELDS, 1)).sort("_id", -1).skip(offset).hint(index)
        documents = await take(page, limit)
        count = (
            await self._jobs.count_documents(where, hint=index)
            if where
            else await self._jobs.estimated_document_count()
        )
        return [decode_summary(document) for document in documents], count

    @asks
    async def list_steps_of(self, worker_id: str, *, limit: int) -> tuple[list[StepRow], int]:
        where = {"found_by": mark("worker", worker_id)}
        left_out = dict.fromkeys(("input", "raw_input", "outbox", "output"), 0)
        latest = await take(self._jobs.find(where, left_out).sort("_id", -1), limit)
        flows = await self._flows.find(document["flow"] for document in latest)
        rows = [row for document in latest for row in decode_step_rows(document, flows[document["flow"]], worker_id)]
        rows.sort(key=lambda row: (row.started_at is not None, row.started_at, row.job_id), reverse=True)
        counting: list[Document] = [
            {"$match": where},
            {"$unwind": "$workers"},
            {"$match": {"workers.id": worker_id}},
            {"$group": {"_id": None, "count": {"$sum": "$workers.steps"}}},
        ]
        counted = await self._jobs.aggregate(counting).to_list(None)
        return rows[:limit], counted[0]["count"] if counted else 0

    @asks
    async def count_by_status(self) -> dict[str, int]:
        counts = {
            str(status): await self._jobs.count_documents({"found_by": mark("status", status)}) for status in JobStatus
        }
        return {status: count for status, count in counts.items() if count}

    @asks
    async def _insert(self, jobs: Sequence[StoredJob], write_ids: Sequence[str]) -> list[bool]:
        flows = await self._flows.put(stored.job.flow for stored in jobs)
        documents = [encode_job(stored, flow) for stored, flow in zip(jobs, flows, strict=True)]
        for document, write_id in zip(documents, write_ids, strict=True):
            document["write_id"] = write_id
            if document["outbox"]:
                document["outbox_at"] = self._time.estimate()
        await self._blobs.unload(documents)
        try:
            await self._jobs.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            known = find_duplicates(error)
            kept = await self._find_kept([documents[index]["_id"] for index in known])
            return [index not in known or write_id in kept for index, write_id in enumerate(write_ids)]
        return [True] * len(jobs)

    @asks
    async def _save(self, saves: Sequence[JobSave], write_ids: Sequence[str]) -> list[bool]:
        updates = [_guarded_update(save, write_id) for save, write_id in zip(saves, write_ids, strict=True)]
        await self._blobs.unload([update["$set"] for _, update in updates])
        if len(updates) == 1:
            matched = (await self._jobs.update_one(*updates[0])).matched_count
        else:
            done = await self._jobs.bulk_write([UpdateOne(*update) for update in updates], ordered=False)
            matched = done.matched_count
        if matched == len(saves):
            return [True] * len(saves)
        kept = await self._find_kept([save.job.id for save in saves])
        return [write_id in kept for write_id in write_ids]

    async def _find_kept(self, job_ids: Sequence[str]) -> set[str]:
        """The ids of the last writes of jobs: a write that is not told of as done may have been, by a first try."""
        found = self._jobs.find({"_id": {"$in": list(job_ids)}}, {"write_id": 1})
        return {document["write_id"] for document in await found.to_list(None)}

    async def _decode(self, documents: Sequence[Document]) -> list[StoredJob]:
        flows = await self._flows.find(document["flow"] for document in documents)
        await self._blobs.fill(documents)
        return [decode_job(document, flows[document["flow"]]) for document in documents]


def _new_write_ids(count: int) -> list[str]:
    call = uuid4().hex
    return [f"{call}:{index}" for index in range(count)]


def _guarded_update(save: JobSave, write_id: str) -> tuple[Document, Document]:
    changed, gone = find_changes(save)
    changed["write_id"] = write_id
    update: Document = {"$set": changed}
    if save.outbox:
        update["$currentDate"] = {"outbox_at": True}
    else:
        gone = [*gone, "outbox_at"]
    if gone:
        update["$unset"] = dict.fromkeys(gone, "")
    return {"_id": save.job.id, "version": save.before.version}, update


def _without(command_ids: Sequence[str]) -> list[Document]:
    done = {"$in": ["$$this.id", {"$literal": list(command_ids)}]}
    still_owed = {"$filter": {"input": "$outbox", "cond": {"$not": [done]}}}
    is_empty = {"$eq": ["$outbox", []]}
    since = {"$cond": [is_empty, "$$REMOVE", "$outbox_at"]}
    other_marks = {"$filter": {"input": "$found_by", "cond": {"$ne": ["$$this", OWING]}}}
    marks = {"$cond": [is_empty, other_marks, "$found_by"]}
    return [{"$set": {"outbox": still_owed}}, {"$set": {"outbox_at": since, "found_by": marks}}]


def _select(wanted: JobFilter) -> tuple[dict[str, Any], str]:
    """The filter and its index: one mark to look up, the one that leaves least, then the other fields to compare."""
    where: dict[str, Any] = {name: str(value) for name in LISTED_BY if (value := getattr(wanted, name)) is not None}
    if not where:
        return where, "_id_"
    is_open = wanted.status is not None and wanted.status not in TERMINAL_JOB  # few are
    first = "status" if is_open else next(iter(where))
    return {"found_by": mark(first, where.pop(first)), **where}, "by_mark"
