"""What can happen to a job, in the past tense; time arrives in `at`."""

from dataclasses import dataclass
from datetime import datetime

from shared.engine.flow import Json
from shared.engine.states import Outcome, TimerKind


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


Event = JobCreated | StepStarted | StepFinished | StepLost | TimerFired | JobCancelRequested
