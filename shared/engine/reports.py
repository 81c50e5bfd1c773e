"""What workers report about their attempts, and what is reported about lost workers.

(job, step, attempt) is the fence: a report about another attempt is stale, one about a step that has ended a duplicate,
and neither changes anything. Within an attempt the worker counts that took it last.
"""

from typing import Any

from shared.engine.admission import launch
from shared.engine.commands import SetTimer
from shared.engine.decision import Ignored
from shared.engine.draft import Draft
from shared.engine.events import StepFinished, StepLost, StepStarted
from shared.engine.job import Step
from shared.engine.retry import fail_or_retry
from shared.engine.spoken import seconds
from shared.engine.states import JobStatus, Outcome, StepStatus, TimerKind
from shared.engine.timeouts import GRACE
from shared.engine.transitions import StepMove

MOST_LOST_ATTEMPTS = 3
"""Workers that one step may lose: a step that kills its worker must not eat them all."""


def start_step(draft: Draft, event: StepStarted) -> Ignored | None:
    """Give the step into the worker's hands; of two workers with the same attempt the later one holds it."""
    step = draft.steps.get(event.step)
    if step is None or not _is_for_workers(draft, event, step):
        return Ignored.STALE
    if step.status.is_terminal:
        return _stop_unwanted(draft, event, step)
    if step.worker_id == event.worker_id:
        return Ignored.DUPLICATE
    if step.started_at is not None and event.at <= step.started_at:
        return Ignored.STALE
    _hold(draft, event)
    return None


def finish_step(draft: Draft, event: StepFinished) -> Ignored | None:
    """End the step as its worker says; in a cancelled job it ends cancelled, whatever the worker says."""
    ignored = _fence(draft, event)
    if ignored is not None:
        return ignored
    draft.begin_job()
    step = draft.steps[event.step]
    reported: dict[str, Any] = {
        "worker_id": event.worker_id,
        "started_at": step.started_at or event.at,
        "exit_code": event.exit_code,
        "log_lines": {**step.log_lines, str(event.attempt): event.log_lines},
    }
    if draft.job.status is JobStatus.CANCELLED or event.outcome is Outcome.CANCELLED:
        draft.move_step(event.step, StepMove.CANCELLED, error=event.error, **reported)
    elif event.outcome is Outcome.COMPLETED:
        draft.move_step(event.step, StepMove.SUCCEEDED, output=event.output, **reported)
    else:
        fail_or_retry(draft, event.step, event.error or _unexplained(draft, event), **reported)
    return None


def lose_step(draft: Draft, event: StepLost) -> Ignored | None:
    """Try the step again as its next attempt, unless it has lost too many workers or the job is cancelled."""
    ignored = _fence(draft, event)
    if ignored is not None:
        return ignored
    name, lost = event.step, draft.steps[event.step].lost_attempts + 1
    error = f"Worker heartbeat timeout (worker {event.worker_id} unresponsive)"
    draft.say(f"[recovery] Step '{name}' attempt {event.attempt} lost its worker {event.worker_id}: {event.reason}")
    if draft.job.status is JobStatus.CANCELLED:
        draft.move_step(name, StepMove.CANCELLED, error=error, lost_attempts=lost)
    elif lost < MOST_LOST_ATTEMPTS:
        draft.move_step(name, StepMove.LOST, lost_attempts=lost, worker_id=None, started_at=None)
        launch(draft, name)
    else:
        draft.fail_step(name, f"{error}; {lost} workers lost", lost_attempts=lost)
    return None


def _fence(draft: Draft, event: StepFinished | StepLost) -> Ignored | None:
    step = draft.steps.get(event.step)
    if step is None or not _is_for_workers(draft, event, step):
        return Ignored.STALE
    if step.status.is_terminal:
        return Ignored.DUPLICATE
    is_held_by_another = step.status is StepStatus.RUNNING and step.worker_id != event.worker_id
    return Ignored.STALE if is_held_by_another else None


def _is_for_workers(draft: Draft, event: StepStarted | StepFinished | StepLost, step: Step) -> bool:
    """Whether the report is about the step's attempt, and the attempt one that workers run."""
    is_of_engine = step.suspended_at is not None or step.child_job_id is not None or draft.is_loop(event.step)
    return step.attempt == event.attempt and step.status is not StepStatus.PENDING and not is_of_engine


def _hold(draft: Draft, event: StepStarted) -> None:
    name, timeout = event.step, draft.spec(event.step).timeout
    draft.move_step(name, StepMove.STARTED, worker_id=event.worker_id, started_at=event.at)
    draft.begin_job()
    if draft.job.status is JobStatus.CANCELLED:
        draft.owe_cancel(name)
    if timeout is not None:
        timer = draft.id_held(name, TimerKind.STEP_TIMEOUT)
        draft.owe(SetTimer(timer, TimerKind.STEP_TIMEOUT, event.at + timeout + GRACE, name, event.attempt))


def _stop_unwanted(draft: Draft, event: StepStarted, step: Step) -> Ignored | None:
    """A worker began a step that was cancelled while its command lay in a queue: have it killed, once."""
    if step.status is not StepStatus.CANCELLED or step.worker_id is not None:
        return Ignored.DUPLICATE
    draft.change_step(event.step, worker_id=event.worker_id)
    draft.owe_cancel(event.step)
    return None


def _unexplained(draft: Draft, event: StepFinished) -> str:
    timeout = draft.spec(event.step).timeout
    if event.outcome is Outcome.TIMED_OUT and timeout is not None:
        return f"Step timed out after {seconds(timeout)}s"
    return "Step timed out" if event.outcome is Outcome.TIMED_OUT else "Step failed"
