"""What services ask of storage. Every method may raise StoreUnavailable: unknown whether it was done, repeat it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from shared.storage.artifact_port import ArtifactStore
from shared.storage.records import (
    JobFilter,
    JobSave,
    JobSummary,
    LogChunk,
    RevisionRecord,
    RunningStep,
    StepRow,
    StoredJob,
    Timer,
    WorkerRecord,
    WorkspaceRecord,
)
from shared.storage.snapshot_port import SnapshotStore


class JobStore(Protocol):
    """Where jobs are kept between events."""

    async def insert(self, jobs: Sequence[StoredJob]) -> list[bool]:
        """Keep new jobs with what they owe, in one round trip; answers for each whether it was new.

        Repeats: a job whose id exists is left as it is, False.
        """
        ...

    async def load(self, job_ids: Sequence[str]) -> dict[str, StoredJob]:
        """The jobs that exist, by id, read with majority."""
        ...

    async def save(self, saves: Sequence[JobSave]) -> list[bool]:
        """Keep decided jobs and their outboxes, each all or nothing, in one round trip.

        Answers for each whether it was kept; False: somebody saved after `before.version` was read; load and decide
        again.
        Repeats: if the first call was kept, the second answers False; deciding again finds the event stale.
        """
        ...

    async def clear_outbox(self, done: Mapping[str, Sequence[str]]) -> None:
        """Forget commands `{job_id: [command id]}` that were carried out; no version is spent. Repeats: harmless."""
        ...

    async def find_owing(self, older_than: timedelta, limit: int) -> list[StoredJob]:
        """Jobs whose outbox has not been empty and not been written for this long, oldest first."""
        ...

    async def find_running_on(self, worker_id: str) -> list[RunningStep]:
        """The attempts that the stored jobs say run on this worker."""
        ...

    async def find_waiting(self, workspace: str, event_key: str, limit: int) -> list[str]:
        """The ids of jobs of which a step waits for this event, oldest first."""
        ...

    async def list_jobs(self, wanted: JobFilter, *, limit: int, offset: int) -> tuple[list[JobSummary], int]:
        """A page, newest first (by id, which is by time), and how many there are in all."""
        ...

    async def list_steps_of(self, worker_id: str, *, limit: int) -> tuple[list[StepRow], int]:
        """The latest steps that this worker ran, newest first, and how many there are in all."""
        ...

    async def count_by_status(self) -> dict[str, int]:
        """How many jobs have each status; statuses without jobs are missing."""
        ...


class TimerStore(Protocol):
    """What is to be said to jobs, and when."""

    async def put(self, timers: Sequence[Timer]) -> None:
        """Keep them; one whose id exists is left as it is. Repeats: harmless."""
        ...

    async def find_due(self, now: datetime, limit: int) -> list[Timer]:
        """Timers with `due_at` <= now, earliest first."""
        ...

    async def next_due_at(self) -> datetime | None:
        """When the earliest timer is due."""
        ...

    async def remove(self, timer_ids: Sequence[str]) -> None:
        """Forget them, after their event is confirmed. Repeats: harmless."""
        ...

    async def find_of(self, job_ids: Sequence[str]) -> list[Timer]:
        """All timers of these jobs."""
        ...


class WorkerStore(Protocol):
    """Who can run steps. Times are the database's, so that a worker's wrong clock harms nobody."""

    async def beat(self, worker: WorkerRecord) -> None:
        """Register the worker or say that it lives and what it runs; sets `heartbeat_at`. Repeats: harmless."""
        ...

    async def find_silent(self, silent_for: timedelta) -> list[WorkerRecord]:
        """Workers that are not inactive and have not been heard of for this long."""
        ...

    async def mark_inactive(self, worker_id: str) -> None:
        """It is gone or has left; a later `beat` brings it back. Repeats: harmless."""
        ...

    async def find_holders(self, step: RunningStep, fresh_within: timedelta) -> list[str]:
        """Ids of workers heard of within this time whose last heartbeat has this attempt in hand."""
        ...

    async def list_workers(self, *, limit: int, offset: int) -> tuple[list[WorkerRecord], int]:
        """A page, latest registration first, and how many there are in all."""
        ...

    async def load(self, worker_id: str) -> WorkerRecord | None:
        """One worker."""
        ...


class WorkspaceStore(Protocol):
    """Workspaces, their revisions and files."""

    async def put_revision(self, record: RevisionRecord, archive: bytes) -> None:
        """Keep a revision and its files (tar.gz). Repeats: left as it is."""
        ...

    async def set_current(self, record: WorkspaceRecord) -> None:
        """Make it the workspace's current state. Its revision was put before. Repeats: harmless."""
        ...

    async def remove_others(self, names: Sequence[str]) -> None:
        """Forget workspaces (not revisions) that are not named. Repeats: harmless."""
        ...

    async def list_workspaces(self) -> list[WorkspaceRecord]:
        """All, by name."""
        ...

    async def load_workspace(self, name: str) -> WorkspaceRecord | None:
        """One."""
        ...

    async def load_revision(self, workspace: str, revision: str) -> RevisionRecord | None:
        """One revision's definition."""
        ...

    async def load_archive(self, workspace: str, revision: str) -> bytes | None:
        """One revision's files as tar.gz."""
        ...


class FireStore(Protocol):
    """How far each cron trigger has been fired, and which triggers of any kind are paused."""

    async def load_fired_until(self) -> dict[str, datetime]:
        """The last fire time of each trigger, by `workspace/trigger`."""
        ...

    async def advance(self, trigger: str, fired_at: datetime) -> None:
        """This fire time is done; never goes back. Repeats: harmless."""
        ...

    async def pause(self, trigger: str, paused_at: datetime) -> None:
        """The trigger (`workspace/trigger`) starts nothing until `resume`. Repeats: harmless."""
        ...

    async def resume(self, trigger: str) -> None:
        """The trigger works again. Repeats: harmless."""
        ...

    async def load_paused(self) -> set[str]:
        """The triggers that are paused."""
        ...


class LogStore(Protocol):
    """Log lines, in chunks."""

    async def append(self, chunks: Sequence[LogChunk]) -> None:
        """Keep them in one round trip; a chunk whose (job, step, attempt, first) exists is left as it is."""
        ...

    def read(self, job_id: str, *, step: str | None = None) -> AsyncIterator[LogChunk]:
        """All chunks of a job or of one step, ordered by time of first line, step, attempt, first; streamed."""
        ...

    async def read_range(self, job_id: str, step: str, attempt: int, *, first: int, limit: int) -> list[LogChunk]:
        """Chunks of one attempt that hold lines from sequence `first` on, in order, at most `limit` chunks."""
        ...

    async def count_lines(self, job_id: str) -> dict[tuple[str, int], int]:
        """How many lines are stored of each (step, attempt)."""
        ...


class PartitionStore(Protocol):
    """Who advances the jobs of which event partition. Times are the database's."""

    async def check_count(self, partitions: int) -> None:
        """Make sure that all services agree on the number of partitions; the first one sets it.

        Raises:
            Broken: another number is stored.
        """
        ...

    async def beat(self, dispatcher_id: str, lease: timedelta) -> int:
        """Say that this dispatcher lives for `lease`; answers how many live."""
        ...

    async def leave(self, dispatcher_id: str) -> None:
        """This dispatcher stops: forget it and its leases. Repeats: harmless."""
        ...

    async def owned(self, dispatcher_id: str) -> set[int]:
        """The partitions whose unexpired lease is this dispatcher's."""
        ...

    async def acquire(self, dispatcher_id: str, partition: int, lease: timedelta) -> bool:
        """Take or extend the lease if it is free, expired or one's own. Repeats: extends."""
        ...

    async def release(self, dispatcher_id: str, partition: int) -> None:
        """Give the lease back if it is one's own. Repeats: harmless."""
        ...


class RouteStore(Protocol):
    """Which routes have a queue."""

    async def add(self, route: str) -> bool:
        """Keep it; whether it is new. Repeats: False."""
        ...

    async def list_routes(self) -> list[str]:
        """All, sorted."""
        ...


class IdempotencyStore(Protocol):
    """What a POST with an Idempotency-Key was answered, for 24 h."""

    async def claim(self, key: str, digest: str, job_id: str) -> tuple[str, str]:
        """The stored `(digest, job_id)` of this key: the given ones if it is new, else the first call's."""
        ...


class Storage(Protocol):
    """All stores of one database; one for each process."""

    @property
    def jobs(self) -> JobStore: ...
    @property
    def timers(self) -> TimerStore: ...
    @property
    def workers(self) -> WorkerStore: ...
    @property
    def workspaces(self) -> WorkspaceStore: ...
    @property
    def fires(self) -> FireStore: ...
    @property
    def logs(self) -> LogStore: ...
    @property
    def partitions(self) -> PartitionStore: ...
    @property
    def routes(self) -> RouteStore: ...
    @property
    def idempotency(self) -> IdempotencyStore: ...
    @property
    def snapshots(self) -> SnapshotStore: ...
    @property
    def artifacts(self) -> ArtifactStore: ...

    async def ping(self) -> None:
        """One round trip to the database, at most 3 s."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...
