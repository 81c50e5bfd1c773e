"""The states of jobs and steps, and how an attempt can end."""

from enum import StrEnum


class JobStatus(StrEnum):
    """Where a job is; the last four are terminal."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended."""
        return self in TERMINAL_JOB


class StepStatus(StrEnum):
    """Where a step is; `ready` means that its command is owed to the broker or lies in a queue."""

    PENDING = "pending"
    READY = "ready"
    RUNNING = "running"
    SUSPENDED = "suspended"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether the step has ended."""
        return self in TERMINAL_STEP


class Outcome(StrEnum):
    """How a worker says that an attempt ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


class TimerKind(StrEnum):
    """What a timer watches."""

    STEP_TIMEOUT = "step_timeout"
    JOB_TIMEOUT = "job_timeout"
    RETRY = "retry"
    SLEEP = "sleep"
    SUSPENSION_TIMEOUT = "suspension_timeout"


class HookEvent(StrEnum):
    """When a hook runs."""

    ON_SUCCESS = "on_success"
    ON_ERROR = "on_error"
    ON_CANCEL = "on_cancel"
    ON_SUSPENDED = "on_suspended"


TERMINAL_JOB = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.SKIPPED})
TERMINAL_STEP = frozenset({StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED})
