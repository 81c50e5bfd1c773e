"""Every legal change of a job's or a step's state, as two tables.

Two laws:

1. A state changes through `next_step` or `next_job` and in no other way. A move that is not in the table is a defect of
   the engine (`Broken`), never the fault of a caller: whoever reports something late or twice is turned away before.
2. A terminal state has no way out.

docs/generated/states.md shows these tables; a test keeps it so.
"""

from collections.abc import Mapping
from enum import StrEnum

from shared.engine.states import JobStatus, StepStatus
from shared.errors import Broken


class StepMove(StrEnum):
    """What makes a step change its state."""

    DISPATCHED = "dispatched"
    PASSED_OVER = "passed over"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"


class JobMove(StrEnum):
    """What makes a job change its state."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


STEP_TRANSITIONS: Mapping[StepStatus, Mapping[StepMove, StepStatus]] = {
    StepStatus.PENDING: {
        StepMove.DISPATCHED: StepStatus.READY,
        StepMove.PASSED_OVER: StepStatus.SKIPPED,
        StepMove.FAILED: StepStatus.FAILED,
        StepMove.CANCELLED: StepStatus.CANCELLED,
    },
    StepStatus.READY: {
        StepMove.STARTED: StepStatus.RUNNING,
        StepMove.SUCCEEDED: StepStatus.COMPLETED,
        StepMove.FAILED: StepStatus.FAILED,
        StepMove.LOST: StepStatus.PENDING,
        StepMove.CANCELLED: StepStatus.CANCELLED,
    },
    StepStatus.RUNNING: {
        StepMove.STARTED: StepStatus.RUNNING,
        StepMove.SUCCEEDED: StepStatus.COMPLETED,
        StepMove.FAILED: StepStatus.FAILED,
        StepMove.LOST: StepStatus.PENDING,
        StepMove.CANCELLED: StepStatus.CANCELLED,
    },
    StepStatus.SUSPENDED: {},
    StepStatus.COMPLETED: {},
    StepStatus.FAILED: {},
    StepStatus.SKIPPED: {},
    StepStatus.CANCELLED: {},
}

JOB_TRANSITIONS: Mapping[JobStatus, Mapping[JobMove, JobStatus]] = {
    JobStatus.PENDING: {
        JobMove.STARTED: JobStatus.RUNNING,
        JobMove.SUCCEEDED: JobStatus.COMPLETED,
        JobMove.FAILED: JobStatus.FAILED,
        JobMove.CANCELLED: JobStatus.CANCELLED,
    },
    JobStatus.RUNNING: {
        JobMove.SUCCEEDED: JobStatus.COMPLETED,
        JobMove.FAILED: JobStatus.FAILED,
        JobMove.CANCELLED: JobStatus.CANCELLED,
    },
    JobStatus.PAUSED: {},
    JobStatus.COMPLETED: {},
    JobStatus.FAILED: {},
    JobStatus.CANCELLED: {},
    JobStatus.SKIPPED: {},
}

STEP_MOVES: Mapping[StepMove, str] = {
    StepMove.DISPATCHED: "Its dependencies allow it and its command is rendered; the command is owed to the broker.",
    StepMove.PASSED_OVER: "A dependency failed, all of them were skipped, or `when` is false.",
    StepMove.STARTED: "A worker began the attempt, or a later worker took it over.",
    StepMove.SUCCEEDED: "The worker reported success.",
    StepMove.FAILED: "The worker reported a failure or a timeout, the step was out of time, its templates could not be "
    "rendered, or its worker was lost once too often.",
    StepMove.LOST: "The worker is gone: the step is dispatched again, as the next attempt, within the same decision.",
    StepMove.CANCELLED: "The job was cancelled, or the worker reported that the attempt was.",
}

JOB_MOVES: Mapping[JobMove, str] = {
    JobMove.STARTED: "A worker began the first step.",
    JobMove.SUCCEEDED: "Every step ended, no failure counts.",
    JobMove.FAILED: "Every step ended, a failure counts.",
    JobMove.CANCELLED: "Somebody cancelled it, or its time was up.",
}


def next_step(status: StepStatus, move: StepMove) -> StepStatus:
    """Where the move leads a step.

    Raises:
        Broken: the move is not possible from there.
    """
    try:
        return STEP_TRANSITIONS[status][move]
    except KeyError:
        raise Broken(f"a {status} step can't be {move}") from None


def next_job(status: JobStatus, move: JobMove) -> JobStatus:
    """Where the move leads a job.

    Raises:
        Broken: the move is not possible from there.
    """
    try:
        return JOB_TRANSITIONS[status][move]
    except KeyError:
        raise Broken(f"a {status} job can't be {move}") from None
