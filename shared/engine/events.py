"""What can happen to a job, in the past tense; time arrives in `at`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.engine.flow import Json
from shared.engine.states import JobStatus, Outcome, TimerKind


@dataclass(frozen=True, slots=True)
class JobCreated:
    """A job was accepted and may start."""

    at: datetime


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A worker began an attempt."""

    at: datetime
    step: str
    attempt: int
    worker_id: str


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A worker ended an attempt; `log_lines` is how many lines it shipped."""

    at: datetime
    step: str
    attempt: int
    worker_id: str
    outcome: Outcome
    output: Json = None
    error: str | None = None
    exit_code: int | None = None
    log_lines: int = 0


@dataclass(frozen=True, slots=True)
class StepLost:
    """The worker of an attempt is gone; nobody will report."""

    at: datetime
    step: str
    attempt: int
    worker_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer was due; `step` is None and `attempt` 0 for a job's own."""

    at: datetime
    kind: TimerKind
    step: str | None = None
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class JobCancelRequested:
    """Somebody wants the job to end now."""

    at: datetime
    by: str = "anonymous"


@dataclass(frozen=True, slots=True)
class ApprovalDecided:
    """Somebody answered an approval; `input` is the filled form, None if nothing was sent."""

    at: datetime
    step: str
    is_approved: bool
    by: str = "anonymous"
    input: Mapping[str, Json] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EventReceived:
    """The event that a step waits for was sent."""

    at: datetime
    step: str
    payload: Json = None


@dataclass(frozen=True, slots=True)
class ChildFinished:
    """The job that an attempt started has ended, or could not be created (`error` says why)."""

    at: datetime
    step: str
    attempt: int
    child_job_id: str
    status: JobStatus
    output: Json = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class JobPauseRequested:
    """Somebody wants nothing new to start."""

    at: datetime
    by: str = "anonymous"


@dataclass(frozen=True, slots=True)
class JobResumeRequested:
    """Somebody wants a paused job to go on."""

    at: datetime
    by: str = "anonymous"


@dataclass(frozen=True, slots=True)
class StepSkipRequested:
    """Somebody wants a step that has not started to be passed over."""

    at: datetime
    step: str
    by: str = "anonymous"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class StepForceCompleteRequested:
    """Somebody brings the result of a step that has not started."""

    at: datetime
    step: str
    by: str = "anonymous"
    result: Json = None


@dataclass(frozen=True, slots=True)
class StepRetryRequested:
    """Somebody wants a step that has ended to run again."""

    at: datetime
    step: str
    by: str = "anonymous"


@dataclass(frozen=True, slots=True)
class SubtreeReplayRequested:
    """Somebody wants a step, and all that depends on it, to run again."""

    at: datetime
    step: str
    by: str = "anonymous"


Report = StepStarted | StepFinished | StepLost | TimerFired | ChildFinished
"""What is told by machines: late or twice is ignored."""

Request = (
    JobCancelRequested
    | ApprovalDecided
    | EventReceived
    | JobPauseRequested
    | JobResumeRequested
    | StepSkipRequested
    | StepForceCompleteRequested
    | StepRetryRequested
    | SubtreeReplayRequested
)
"""What people ask for: refused with a sentence if the job's state does not allow it."""

Event = JobCreated | Report | Request
