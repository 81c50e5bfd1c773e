"""Jobs in MongoDB: one document each, every change one guarded update."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from shared.engine.states import TERMINAL_JOB
from shared.storage.calls import Database, asks, find_duplicates
from shared.storage.documents import (
    SUMMARY_FIELDS,
    Document,
    decode_job,
    decode_step_rows,
    decode_summary,
    encode_command,
    encode_job,
    find_changes,
)
from shared.storage.indexes import JOBS_BY
from shared.storage.records import JobFilter, JobSave, JobSummary, RunningStep, StepRow, StoredJob
from shared.storage.server_time import ServerTime


class MongoJobs:
    """The job store.

    `outbox_at` is the database's time of the last write that left commands in the outbox; unset when it is empty.
    """

    def __init__(self, database: Database, time: ServerTime) -> None:
        self._jobs = database["jobs"]
        self._time = time

    @asks
    async def insert(self, jobs: Sequence[StoredJob]) -> list[bool]:
        if not jobs:
            return []
        documents = [encode_job(stored) for stored in jobs]
        for document in documents:
            if document["outbox"]:
                document["outbox_at"] = self._time.estimate()
        try:
            await self._jobs.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            known = find_duplicates(error)
            return [index not in known for index in range(len(jobs))]
        return [True] * len(jobs)

    @asks
    async def load(self, job_ids: Sequence[str]) -> dict[str, StoredJob]:
        if not job_ids:
            return {}
        documents = await self._jobs.find({"_id": {"$in": list(job_ids)}}).to_list(None)
        return {document["_id"]: decode_job(document) for document in documents}

    @asks
    async def save(self, saves: Sequence[JobSave]) -> list[bool]:
        if not saves:
            return []
        if len(saves) == 1:
            result = await self._jobs.update_one(*_guarded_update(saves[0]))
            return [result.matched_count == 1]
        call = uuid4().hex
        marks = [f"{call}:{index}" for index in range(len(saves))]
        updates = [UpdateOne(*_guarded_update(save, mark)) for save, mark in zip(saves, marks, strict=True)]
        done = await self._jobs.bulk_write(updates, ordered=False)
        if done.matched_count == len(saves):
            return [True] * len(saves)
        ids = [save.job.id for save in saves]
        kept = {
            document.get("save_id")
            for document in await self._jobs.find({"_id": {"$in": ids}}, {"save_id": 1}).to_list(None)
        }
        return [mark in kept for mark in marks]

    @asks
    async def clear_outbox(self, done: Mapping[str, Sequence[str]]) -> None:
        updates = [UpdateOne({"_id": job_id}, _without(command_ids)) for job_id, command_ids in done.items()]
        if updates:
            await self._jobs.bulk_write(updates, ordered=False)

    @asks
    async def find_owing(self, older_than: timedelta, limit: int) -> list[StoredJob]:
        until = await self._time.ask() - older_than
        found = self._jobs.find({"outbox_at": {"$lte": until}}).sort("outbox_at", 1).limit(limit)
        return [decode_job(document) for document in await found.to_list(None)]

    @asks
    async def find_running_on(self, worker_id: str) -> list[RunningStep]:
        found = self._jobs.find({"leases.worker_id": worker_id}, {"leases": 1})
        return [
            RunningStep(document["_id"], lease["step"], lease["attempt"])
            for document in await found.to_list(None)
            for lease in document["leases"]
            if lease["worker_id"] == worker_id
        ]

    @asks
    async def list_jobs(self, wanted: JobFilter, *, limit: int, offset: int) -> tuple[list[JobSummary], int]:
        where, index = _select(wanted)
        page = self._jobs.find(where, dict.fromkeys(SUMMARY_FIELDS, 1)).sort("_id", -1).skip(offset).limit(limit)
        documents = await page.hint(index).to_list(None) if limit else []
        count = (
            await self._jobs.count_documents(where, hint=index)
            if where
            else await self._jobs.estimated_document_count()
        )
        return [decode_summary(document) for document in documents], count

    @asks
    async def list_steps_of(self, worker_id: str, *, limit: int) -> tuple[list[StepRow], int]:
        where = {"ran_on.worker_id": worker_id}
        left_out = dict.fromkeys(("flow", "input", "raw_input", "outbox", "output"), 0)
        latest = await self._jobs.find(where, left_out).sort("_id", -1).limit(limit).to_list(None)
        rows = [row for document in latest for row in decode_step_rows(document, worker_id)]
        rows.sort(key=lambda row: (row.started_at is not None, row.started_at, row.job_id), reverse=True)
        own = {"$filter": {"input": "$ran_on", "cond": {"$eq": ["$$this.worker_id", {"$literal": worker_id}]}}}
        counting: list[Document] = [{"$match": where}, {"$group": {"_id": None, "count": {"$sum": {"$size": own}}}}]
        counted = await self._jobs.aggregate(counting).to_list(None)
        return rows[:limit], counted[0]["count"] if counted else 0

    @asks
    async def count_by_status(self) -> dict[str, int]:
        counting = [{"$group": {"_id": "$status", "count": {"$sum": 1}}}]
        rows = await self._jobs.aggregate(counting, hint=JOBS_BY["status"].name).to_list(None)
        return {row["_id"]: row["count"] for row in rows}


def _guarded_update(save: JobSave, mark: str | None = None) -> tuple[Document, Document]:
    changed, gone = find_changes(save.before, save.job)
    changed["outbox"] = [encode_command(command) for command in save.outbox]
    if mark:
        changed["save_id"] = mark
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
    since = {"$cond": [{"$eq": ["$outbox", []]}, "$$REMOVE", "$outbox_at"]}
    return [{"$set": {"outbox": still_owed}}, {"$set": {"outbox_at": since}}]


def _select(wanted: JobFilter) -> tuple[dict[str, Any], str]:
    """The filter and the index that leaves least to look at: few jobs are open, tasks have fewer than workspaces."""
    given = {
        "task": wanted.task,
        "workspace": wanted.workspace,
        "status": wanted.status and str(wanted.status),
        "source_type": wanted.source_type,
    }
    where = {name: value for name, value in given.items() if value is not None}
    if not where:
        return where, "_id_"
    is_open = wanted.status is not None and wanted.status not in TERMINAL_JOB
    return where, JOBS_BY["status" if is_open else next(iter(where))].name
