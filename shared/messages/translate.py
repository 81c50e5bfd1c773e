"""Messages to engine events, engine commands to messages."""

from datetime import datetime

from shared.definition.sealed import mask
from shared.engine.commands import CancelStep, NotifyParent, RunStep, WriteServerLine
from shared.engine.events import ChildFinished, Event, StepFinished, StepLost, StepStarted, TimerFired
from shared.engine.job import Job
from shared.engine.states import StepStatus
from shared.errors import Poison
from shared.messages.wire import (
    AnyMessage,
    CancelStepMessage,
    ChildFinishedMessage,
    JobChangedMessage,
    LogChunkMessage,
    LogLine,
    RunStepMessage,
    StepChangedMessage,
    StepFinishedMessage,
    StepLostMessage,
    StepStartedMessage,
    TimerFiredMessage,
)

SERVER_STEP = "_server"
"""The pseudo step whose log lines Headrace itself writes, always in attempt 0."""


def whole_millis(at: datetime) -> datetime:
    """A time as precise as the database keeps it, so that a job read back equals the job that was saved."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def to_event(message: AnyMessage) -> tuple[str, Event]:
    """What happened, and to which job.

    Raises:
        Poison: a message that is about no event of a job.
    """
    at = whole_millis(message.occurred_at)
    match message:
        case StepStartedMessage():
            event: Event = StepStarted(at, message.step, message.attempt, message.worker_id)
        case StepFinishedMessage():
            event = _to_finished(message, at)
        case StepLostMessage():
            event = StepLost(at, message.step, message.attempt, message.worker_id, message.reason)
        case TimerFiredMessage():
            event = TimerFired(at, message.kind, message.step, message.attempt)
        case ChildFinishedMessage():
            event = _to_child_finished(message, at)
        case _:
            raise Poison(f"{message.type} is not an event of a job")
    return message.job_id, event


def _to_finished(message: StepFinishedMessage, at: datetime) -> StepFinished:
    return StepFinished(
        at=at,
        step=message.step,
        attempt=message.attempt,
        worker_id=message.worker_id,
        outcome=message.outcome,
        output=message.output,
        error=message.error,
        exit_code=message.exit_code,
        log_lines=message.log_lines,
    )


def _to_child_finished(message: ChildFinishedMessage, at: datetime) -> ChildFinished:
    return ChildFinished(
        at=at,
        step=message.step,
        attempt=message.attempt,
        child_job_id=message.child_job_id,
        status=message.status,
        output=message.output,
        error=message.error,
    )


def to_run_step(job: Job, command: RunStep, at: datetime) -> RunStepMessage:
    """The attempt for a worker; the id is the command's, so that a second copy is known as one."""
    return RunStepMessage(
        id=command.id,
        occurred_at=at,
        correlation_id=job.id,
        job_id=job.id,
        workspace=job.workspace,
        task=job.task,
        revision=job.revision,
        step=command.step,
        attempt=command.attempt,
        route=command.route,
        action_name=command.action_name,
        action_type=command.action_type,
        runner=command.runner,
        spec=dict(command.spec),
        input=dict(command.input),
        timeout_seconds=None if command.timeout is None else command.timeout.total_seconds(),
    )


def to_cancel_step(job: Job, command: CancelStep, at: datetime) -> CancelStepMessage:
    """The order to kill an attempt."""
    return CancelStepMessage(
        id=command.id, occurred_at=at, correlation_id=job.id, job_id=job.id, step=command.step, attempt=command.attempt
    )


def to_child_finished(command: NotifyParent, at: datetime) -> ChildFinishedMessage:
    """The news of a sub-job's end, for its parent."""
    return ChildFinishedMessage(
        id=command.id,
        occurred_at=at,
        correlation_id=command.parent_job_id,
        job_id=command.parent_job_id,
        step=command.parent_step,
        attempt=command.parent_attempt,
        child_job_id=command.child_job_id,
        status=command.status,
        output=command.output,
        error=command.error,
    )


def to_log_chunk(job_id: str, command: WriteServerLine) -> LogChunkMessage:
    """The server's line as a chunk of one; its sequence within the job is the key that makes a repeat harmless."""
    line = LogLine(ts=command.at, stream="stderr", text=mask(command.line))
    return LogChunkMessage(
        id=command.id,
        occurred_at=command.at,
        correlation_id=job_id,
        job_id=job_id,
        step=SERVER_STEP,
        attempt=0,
        first=command.sequence,
        lines=[line],
    )


def to_step_lost(job_id: str, step: str, attempt: int, worker_id: str, *, reason: str, at: datetime) -> StepLostMessage:
    """The news that a worker is gone; the same for every scheduler that notices."""
    return StepLostMessage(
        id=f"{job_id}/{step}/{attempt}/lost",
        occurred_at=at,
        correlation_id=job_id,
        job_id=job_id,
        step=step,
        attempt=attempt,
        worker_id=worker_id,
        reason=reason,
    )


def to_job_changed(job: Job, at: datetime) -> JobChangedMessage:
    """A hint for viewers of a job."""
    return JobChangedMessage(
        id=f"{job.id}/{job.version}/changed",
        occurred_at=at,
        correlation_id=job.id,
        job_id=job.id,
        workspace=job.workspace,
        task=job.task,
        status=job.status,
    )


def to_step_changed(job: Job, step: str, attempt: int, status: StepStatus, at: datetime) -> StepChangedMessage:
    """A hint for viewers of a step."""
    return StepChangedMessage(
        id=f"{job.id}/{step}/{job.version}/changed",
        occurred_at=at,
        correlation_id=job.id,
        job_id=job.id,
        step=step,
        attempt=attempt,
        status=status,
    )
