"""Jobs in memory, for tests: kept as the documents that MongoDB would keep."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime, timedelta

from shared.engine.flow import Flow
from shared.runtime.clock import Clock
from shared.storage.documents import Document, decode_flow, decode_job, encode_flow, encode_job
from shared.storage.large_values import find_gaps, put_back, take_out
from shared.storage.look_ups import decode_step_rows, decode_summary, event_mark
from shared.storage.records import JobFilter, JobSave, JobSummary, RunningStep, StepRow, StoredJob


class MemoryJobs:
    """The job store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: dict[str, Document] = {}
        self._flows: dict[str, Flow] = {}
        self._blobs: dict[str, bytes] = {}
        self._owing_since: dict[str, datetime] = {}

    async def insert(self, jobs: Sequence[StoredJob]) -> list[bool]:
        answers = []
        for stored in jobs:
            is_new = stored.job.id not in self._jobs
            if is_new:
                self._write(stored)
            answers.append(is_new)
        return answers

    async def load(self, job_ids: Sequence[str]) -> dict[str, StoredJob]:
        return {job_id: self._decode(job_id) for job_id in job_ids if job_id in self._jobs}

    async def save(self, saves: Sequence[JobSave]) -> list[bool]:
        answers = []
        for save in saves:
            kept = self._jobs.get(save.job.id)
            is_current = kept is not None and kept["version"] == save.before.version
            if is_current:
                self._write(StoredJob(save.job, save.outbox))
            answers.append(is_current)
        return answers

    async def clear_outbox(self, done: Mapping[str, Sequence[str]]) -> None:
        for job_id, command_ids in done.items():
            if job_id in self._jobs:
                document = self._jobs[job_id]
                document["outbox"] = [owed for owed in document["outbox"] if owed["id"] not in command_ids]
                if not document["outbox"]:
                    self._owing_since.pop(job_id, None)

    async def find_owing(self, older_than: timedelta, limit: int) -> list[StoredJob]:
        until = self._clock.now() - older_than
        owing = sorted((since, job_id) for job_id, since in self._owing_since.items() if since <= until)
        return [self._decode(job_id) for _, job_id in owing[:limit]]

    async def find_running_on(self, worker_id: str) -> list[RunningStep]:
        return [
            RunningStep(job_id, lease["step"], lease["attempt"])
            for job_id, document in self._jobs.items()
            for lease in document["leases"]
            if lease["worker_id"] == worker_id
        ]

    async def find_waiting(self, workspace: str, event_key: str, limit: int) -> list[str]:
        wanted = event_mark(workspace, event_key)
        return [job_id for job_id in sorted(self._jobs) if wanted in self._jobs[job_id]["found_by"]][:limit]

    async def list_jobs(self, wanted: JobFilter, *, limit: int, offset: int) -> tuple[list[JobSummary], int]:
        newest = [decode_summary(self._jobs[job_id]) for job_id in sorted(self._jobs, reverse=True)]
        found = [
            row
            for row in newest
            if wanted.workspace in (None, row.workspace)
            and wanted.task in (None, row.task)
            and wanted.status in (None, row.status)
            and wanted.source_type in (None, row.source_type)
        ]
        return found[offset : offset + limit], len(found)

    async def list_steps_of(self, worker_id: str, *, limit: int) -> tuple[list[StepRow], int]:
        rows = [
            row
            for document in self._jobs.values()
            for row in decode_step_rows(document, self._flows[document["flow"]], worker_id)
        ]
        rows.sort(key=lambda row: (row.started_at is not None, row.started_at, row.job_id), reverse=True)
        return rows[:limit], len(rows)

    async def count_by_status(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for document in self._jobs.values():
            counts[document["status"]] = counts.get(document["status"], 0) + 1
        return counts

    def _decode(self, job_id: str) -> StoredJob:
        document = self._jobs[job_id]
        if find_gaps([document]):
            document = deepcopy(document)
            put_back(find_gaps([document]), self._blobs)
        return decode_job(document, self._flows[document["flow"]])

    def _write(self, stored: StoredJob) -> None:
        digest, text = encode_flow(stored.job.flow)
        self._flows[digest] = decode_flow(text)
        document = encode_job(stored, digest)
        self._blobs |= take_out(document)
        self._jobs[stored.job.id] = document
        if stored.outbox:
            self._owing_since[stored.job.id] = self._clock.now()
        else:
            self._owing_since.pop(stored.job.id, None)
