"""Every legal change of a job's or a step's state, as two tables.

Two laws:

1. A state changes through `next_step` or `next_job` and in no other way. A move that is not in the table is a defect of
   the engine (`Broken`), never the fault of a caller: whoever reports something late or twice is turned away before.
2. A terminal state has no way out but `reopened`, which takes the wish of a person.

docs/generated/states.md shows these tables; a test keeps it so.
"""

from collections.abc import Mapping
from enum import StrEnum

from shared.engine.states import JobStatus, StepStatus
from shared.errors import Broken


class StepMove(StrEnum):
    """What makes a step change its state."""

    DISPATCHED = "dispatched"
    DELEGATED = "delegated"
    EXPANDED = "expanded"
    SUSPENDED = "suspended"
    PASSED_OVER = "passed over"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    RETRIED = "retried"
    CALLED_BACK = "called back"
    CANCELLED = "cancelled"
    REOPENED = "reopened"


class JobMove(StrEnum):
    """What makes a job change its state."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    RESUMED = "resumed"
    REOPENED = "reopened"


STEP_TRANSITIONS: Mapping[StepStatus, Mapping[StepMove, StepStatus]] = {
    StepStatus.PENDING: {
        StepMove.DISPATCHED: StepStatus.READY,
        StepMove.DELEGATED: StepStatus.RUNNING,
        StepMove.EXPANDED: StepStatus.RUNNING,
        StepMove.SUSPENDED: StepStatus.SUSPENDED,
        StepMove.PASSED_OVER: StepStatus.SKIPPED,
        StepMove.SUCCEEDED: StepStatus.COMPLETED,
        StepMove.FAILED: StepStatus.FAILED,
        StepMove.CANCELLED: StepStatus.CANCELLED,
    },
    StepStatus.READY: {
        StepMove.STARTED: StepStatus.RUNNING,
        StepMove.SUCCEEDED: StepStatus.COMPLETED,
        StepMove.FAILED: StepStatus.FAILED,
        StepMove.LOST: StepStatus.PENDING,
        StepMove.RETRIED: StepStatus.PENDING,
        StepMove.CANCELLED: StepStatus.CANCELLED,
        StepMove.CALLED_BACK: StepStatus.PENDING,
    },
    StepStatus.RUNNING: {
        StepMove.STARTED: StepStatus.RUNNING,
        StepMove.SUCCEEDED: StepStatus.COMPLETED,
        StepMove.FAILED: StepStatus.FAILED,
        StepMove.LOST: StepStatus.PENDING,
        StepMove.RETRIED: StepStatus.PENDING,
        StepMove.CANCELLED: StepStatus.CANCELLED,
    },
    StepStatus.SUSPENDED: {
        StepMove.PASSED_OVER: StepStatus.SKIPPED,
        StepMove.SUCCEEDED: StepStatus.COMPLETED,
        StepMove.FAILED: StepStatus.FAILED,
        StepMove.CANCELLED: StepStatus.CANCELLED,
    },
    StepStatus.COMPLETED: {StepMove.REOPENED: StepStatus.PENDING},
    StepStatus.FAILED: {StepMove.REOPENED: StepStatus.PENDING},
    StepStatus.SKIPPED: {StepMove.REOPENED: StepStatus.PENDING},
    StepStatus.CANCELLED: {StepMove.REOPENED: StepStatus.PENDING},
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
        JobMove.PAUSED: JobStatus.PAUSED,
    },
    JobStatus.PAUSED: {
        JobMove.RESUMED: JobStatus.RUNNING,
        JobMove.SUCCEEDED: JobStatus.COMPLETED,
        JobMove.FAILED: JobStatus.FAILED,
        JobMove.CANCELLED: JobStatus.CANCELLED,
    },
    JobStatus.COMPLETED: {JobMove.REOPENED: JobStatus.RUNNING},
    JobStatus.FAILED: {JobMove.REOPENED: JobStatus.RUNNING},
    JobStatus.CANCELLED: {JobMove.REOPENED: JobStatus.RUNNING},
    JobStatus.SKIPPED: {},
}

STEP_MOVES: Mapping[StepMove, str] = {
    StepMove.DISPATCHED: "Its dependencies allow it and its command is rendered; the command is owed to the broker.",
    StepMove.DELEGATED: "Its dependencies allow it and it is a task: a job of that task is owed.",
    StepMove.EXPANDED: "It is a loop and has its instances, which run in its place.",
    StepMove.SUSPENDED: "Its dependencies allow it, and it waits: for somebody's answer, a time or an event.",
    StepMove.PASSED_OVER: "A dependency failed, all of them were skipped, `when` is false, there is nothing to loop "
    "over, an earlier instance of a sequential loop failed, or somebody skipped it.",
    StepMove.STARTED: "A worker began the attempt, or a later worker took it over.",
    StepMove.SUCCEEDED: "The worker or the child job reported success, the approval was given, the time is over, the "
    "event has come, all instances of the loop have ended well, or somebody brought the result.",
    StepMove.FAILED: "The worker reported a failure or a timeout, the step was out of time, its templates could not be "
    "rendered, its worker was lost once too often, its child job failed, its approval was refused, or an instance of "
    "the loop failed.",
    StepMove.LOST: "The worker is gone: the step is dispatched again, as the next attempt, within the same decision.",
    StepMove.RETRIED: "The attempt failed and its policy grants another one, when its time has come.",
    StepMove.CALLED_BACK: "The job was paused before a worker began the attempt; the next one is sent when it goes on.",
    StepMove.CANCELLED: "The job was cancelled, or the worker or the child job reported that the attempt was.",
    StepMove.REOPENED: "Somebody wants it to run again, or it was skipped or cancelled because of a step that does.",
}

JOB_MOVES: Mapping[JobMove, str] = {
    JobMove.STARTED: "The first of its steps runs, or waits for an answer, a time or an event.",
    JobMove.SUCCEEDED: "Every step ended, no failure counts.",
    JobMove.FAILED: "Every step ended, a failure counts.",
    JobMove.CANCELLED: "Somebody cancelled it, or its time was up.",
    JobMove.PAUSED: "Somebody wants nothing new to start.",
    JobMove.RESUMED: "Somebody wants it to go on.",
    JobMove.REOPENED: "Somebody wants one of its steps to run again.",
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
