"""Whether a command that stands in a job's outbox still has to be carried out."""

from collections.abc import Mapping

from shared.engine.commands import CancelStep, Command, RunStep, SetTimer, StartChild
from shared.engine.job import Job
from shared.engine.states import StepStatus, TimerKind

_WATCHED: Mapping[TimerKind, StepStatus] = {
    TimerKind.STEP_TIMEOUT: StepStatus.RUNNING,
    TimerKind.RETRY: StepStatus.PENDING,
    TimerKind.SLEEP: StepStatus.SUSPENDED,
    TimerKind.SUSPENSION_TIMEOUT: StepStatus.SUSPENDED,
}
"""In which state of the step its timer is of use."""


def is_owed(job: Job, command: Command) -> bool:
    """Judge an unconfirmed command by the job as it is now.

    A command that has been overtaken is dropped: a step that was cancelled need not run, a timer of an attempt that has
    ended need not fire. Attempts are killed until the worker itself says that the attempt is over. Hooks, lines of the
    log and what other jobs have to hear are owed until they are confirmed.
    """
    match command:
        case RunStep():
            return _is(job, command.step, command.attempt, StepStatus.READY)
        case CancelStep():
            return str(command.attempt) not in job.steps[command.step].log_lines
        case StartChild():
            return _is(job, command.step, command.attempt, StepStatus.RUNNING)
        case SetTimer(kind=kind, step=str(step)):
            return _is(job, step, command.attempt, _WATCHED[kind])
        case SetTimer():
            return not job.status.is_terminal and command.attempt == job.reopened_count
        case _:
            return True


def _is(job: Job, name: str, attempt: int, status: StepStatus) -> bool:
    step = job.steps[name]
    return step.attempt == attempt and step.status is status
