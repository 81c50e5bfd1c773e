"""Tells a job how the job that one of its steps waits for has ended."""

from datetime import datetime

from shared.broker.ports import Outgoing
from shared.broker.topology import EVENT_EXCHANGE, partition_of
from shared.engine.commands import NotifyParent, StartChild
from shared.engine.job import Job
from shared.engine.states import JobStatus
from shared.messages.translate import to_child_finished
from shared.messages.wire import ChildFinishedMessage


def ended_child(command: NotifyParent, at: datetime, *, partitions: int, is_repeat: bool = False) -> Outgoing:
    """The news of a sub-job's end, on its way to its parent's partition."""
    return _to_parent(to_child_finished(command, at), partitions, is_repeat=is_repeat)


def refused_child(parent: Job, command: StartChild, why: str, at: datetime, *, partitions: int) -> Outgoing:
    """The news that a sub-job could not be created; for the parent it has failed."""
    message = ChildFinishedMessage(
        id=f"{command.id}/refused",
        occurred_at=at,
        correlation_id=parent.id,
        job_id=parent.id,
        step=command.step,
        attempt=command.attempt,
        child_job_id=command.job_id,
        status=JobStatus.FAILED,
        error=why,
    )
    return _to_parent(message, partitions)


def _to_parent(message: ChildFinishedMessage, partitions: int, *, is_repeat: bool = False) -> Outgoing:
    return Outgoing(EVENT_EXCHANGE, str(partition_of(message.job_id, partitions)), message, is_repeat=is_repeat)
