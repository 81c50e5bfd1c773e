"""Whether a command that stands in a job's outbox still has to be carried out."""

from shared.engine.commands import CancelStep, Command, RunStep, SetTimer
from shared.engine.job import Job
from shared.engine.states import StepStatus, TimerKind


def is_owed(job: Job, command: Command) -> bool:
    """Judge an unconfirmed command by the job as it is now.

    A command that has been overtaken is dropped: a step that was cancelled need not run, a timer of an attempt that has
    ended need not fire. Attempts are killed until the worker itself says that the attempt is over. Hooks and lines of
    the log are owed until they are confirmed.
    """
    match command:
        case RunStep():
            return _is(job, command.step, command.attempt, StepStatus.READY)
        case CancelStep():
            return str(command.attempt) not in job.steps[command.step].log_lines
        case SetTimer(kind=TimerKind.STEP_TIMEOUT):
            return _is(job, command.step or "", command.attempt, StepStatus.RUNNING)
        case SetTimer():
            return not job.status.is_terminal
        case _:
            return True


def _is(job: Job, name: str, attempt: int, status: StepStatus) -> bool:
    step = job.steps[name]
    return step.attempt == attempt and step.status is status
