"""What the stores keep beside jobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.engine.commands import Command
from shared.engine.job import Job
from shared.engine.states import JobStatus, TimerKind


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job with the commands that it still owes, oldest first."""

    job: Job
    outbox: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class JobSave:
    """A decided job on its way into the store.

    `before` is the job as it was read: the write holds only if its version is still the stored one, and is made of the
    differences. `job.version` is `before.version + 1`. `outbox` is the whole new outbox.
    """

    before: Job
    job: Job
    outbox: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A row of a job list."""

    id: str
    workspace: str
    task: str
    status: JobStatus
    reason: str | None
    source_type: str
    source_id: str | None
    revision: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs to list; None means any."""

    workspace: str | None = None
    task: str | None = None
    status: JobStatus | None = None
    source_type: str | None = None


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step that a worker ran, for that worker's page."""

    job_id: str
    workspace: str
    task: str
    job_status: str
    step: str
    action_type: str
    status: str
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Timer:
    """Something to say to a job at `due_at`; `id` is the id of the command that set it."""

    id: str
    job_id: str
    kind: TimerKind
    due_at: datetime
    step: str | None = None
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class RunningStep:
    """An attempt that a worker has in hand."""

    job_id: str
    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker process; a restarted one is a new one. `status`: active | draining | inactive."""

    id: str
    name: str
    abilities: tuple[str, ...]
    tags: tuple[str, ...]
    is_exclusive: bool
    slots: int
    version: str
    status: str = "active"
    running: tuple[RunningStep, ...] = ()
    registered_at: datetime | None = None
    heartbeat_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RevisionRecord:
    """A workspace as it was at one content hash; never changes.

    `definition` is the JSON form of `shared.definition.models.WorkspaceDefinition`, `problems` of its `Problem`s.
    """

    workspace: str
    revision: str
    definition: Mapping[str, Any]
    problems: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class WorkspaceRecord:
    """A workspace and its current revision; `error` says why none could be loaded.

    `refreshed_at` is when the latest refresh that was carried out was asked for; None leaves what is stored.
    """

    name: str
    revision: str | None
    error: str | None = None
    loaded_at: datetime | None = None
    refreshed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StateScope:
    """Whose state: a task's, or with `task` None the workspace's global one."""

    workspace: str
    task: str | None = None


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """A state as one step or upload left it; never changes.

    `number` counts the snapshots of a scope from 1. `state` is the content of `state.json`, `files` are `{path: bytes}`
    of the others, which are in an archive of `archive_bytes`.
    """

    id: str
    scope: StateScope
    number: int
    state: Mapping[str, Any]
    files: Mapping[str, int]
    archive_bytes: int
    job_id: str
    step: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Consecutive lines of one attempt as stored: `lines` are `(ts, stream, text)`; `first` counts from 0."""

    job_id: str
    step: str
    attempt: int
    first: int
    lines: tuple[tuple[datetime, str, str], ...] = field(default_factory=tuple)
