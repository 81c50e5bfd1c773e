"""What the engine wants done, in the imperative; each has an id that makes a repeat harmless."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.engine.flow import Hook, Json
from shared.engine.states import HookEvent, JobStatus, TimerKind


@dataclass(frozen=True, slots=True)
class RunStep:
    """Put the attempt into the queue of its route; `spec` and `input` are rendered."""

    id: str
    step: str
    attempt: int
    route: str
    action_name: str
    action_type: str
    runner: str
    spec: Mapping[str, Json]
    input: Mapping[str, Json]
    timeout: timedelta | None


@dataclass(frozen=True, slots=True)
class CancelStep:
    """Tell the worker to kill the attempt's processes."""

    id: str
    step: str
    attempt: int
    worker_id: str | None


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Send `TimerFired(kind, step, attempt)` at `due_at`."""

    id: str
    kind: TimerKind
    due_at: datetime
    step: str | None = None
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class StartHook:
    """Create the hook's job `job_id`; `input` is rendered."""

    id: str
    job_id: str
    event: HookEvent
    index: int
    hook: Hook
    input: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class WriteServerLine:
    """Add a line to the job's `_server` log; `sequence` counts from 0 within the job."""

    id: str
    sequence: int
    at: datetime
    line: str


@dataclass(frozen=True, slots=True)
class StartChild:
    """Create the job `job_id` of a task for the attempt; `input` is rendered, the task's defaults are not yet in it."""

    id: str
    job_id: str
    step: str
    attempt: int
    task: str
    input: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class CancelChild:
    """Cancel the job that an attempt started; that it may not be there yet is no reason to forget it."""

    id: str
    job_id: str


@dataclass(frozen=True, slots=True)
class NotifyParent:
    """Send `ChildFinished` to the job that waits for this one."""

    id: str
    parent_job_id: str
    parent_step: str
    parent_attempt: int
    child_job_id: str
    status: JobStatus
    output: Json
    error: str | None


@dataclass(frozen=True, slots=True)
class StartRetryJob:
    """Create the job `job_id`: the same task, revision and input once more, not begun before `starts_at`."""

    id: str
    job_id: str
    retry_of_job_id: str
    retry_attempt: int
    max_retries: int
    starts_at: datetime


Command = (
    RunStep
    | CancelStep
    | SetTimer
    | StartHook
    | WriteServerLine
    | StartChild
    | CancelChild
    | NotifyParent
    | StartRetryJob
)
