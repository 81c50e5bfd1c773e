"""What happens when time is up."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from shared.engine.admission import launch
from shared.engine.cancel import cancel_job
from shared.engine.decision import Ignored
from shared.engine.draft import Draft
from shared.engine.events import TimerFired
from shared.engine.job import Step
from shared.engine.retry import fail_or_retry
from shared.engine.spoken import seconds
from shared.engine.start import begin_steps
from shared.engine.states import JobStatus, StepStatus, TimerKind
from shared.engine.transitions import StepMove
from shared.engine.wake import end_patience, end_sleep

GRACE = timedelta(seconds=10)
"""How long the worker, which keeps the exact time, may be late with its report. Source: Strøm, timeouts."""


def fire_timer(draft: Draft, event: TimerFired) -> Ignored | None:
    """End what the timer watched."""
    return _TIMERS[event.kind](draft, event)


def _end_job(draft: Draft, event: TimerFired) -> Ignored | None:
    if draft.job.status.is_terminal:
        return Ignored.DUPLICATE
    if draft.flow.timeout is None or event.attempt != draft.job.reopened_count:
        return Ignored.STALE
    cancel_job(draft, "timed_out")
    draft.say(f"[recovery] job timed out after {seconds(draft.flow.timeout)}s")
    return None


def _end_step(draft: Draft, event: TimerFired) -> Ignored | None:
    """End an attempt whose worker is silent; a timer set for an earlier holder of the attempt comes too early."""
    name = event.step or ""
    step = draft.steps.get(name)
    if step is None or step.attempt != event.attempt:
        return Ignored.STALE
    if step.status.is_terminal:
        return Ignored.DUPLICATE
    timeout = draft.spec(name).timeout
    if step.status is not StepStatus.RUNNING or timeout is None or step.started_at is None:
        return Ignored.STALE
    if event.at < step.started_at + timeout:
        return Ignored.STALE
    if draft.job.status is JobStatus.CANCELLED:
        draft.move_step(name, StepMove.CANCELLED, error=_out_of_time(step, timeout))
    else:
        draft.owe_cancel(name)
        fail_or_retry(draft, name, _out_of_time(step, timeout))
    return None


def _out_of_time(step: Step, timeout: timedelta) -> str:
    """A worker would have told it first, a child job tells nothing of its parent's patience."""
    is_child = step.child_job_id is not None
    return f"Step timed out after {seconds(timeout)}s" if is_child else "Step timed out (server-side enforcement)"


def _try_again(draft: Draft, event: TimerFired) -> Ignored | None:
    """Launch the next attempt of a step, or begin a job that retries another."""
    if event.step is None:
        return _begin_late(draft)
    step = draft.steps.get(event.step)
    if step is None or step.attempt != event.attempt or step.retry_at is None:
        return Ignored.STALE
    if step.status is not StepStatus.PENDING:
        return Ignored.DUPLICATE
    draft.change_step(event.step, retry_at=None)
    launch(draft, event.step)
    return None


def _begin_late(draft: Draft) -> Ignored | None:
    if draft.job.status is not JobStatus.PENDING or draft.job.reason is None:
        return Ignored.DUPLICATE
    draft.change_job(reason=None)
    begin_steps(draft)
    return None


_TIMERS: Mapping[TimerKind, Callable[[Draft, TimerFired], Ignored | None]] = {
    TimerKind.STEP_TIMEOUT: _end_step,
    TimerKind.JOB_TIMEOUT: _end_job,
    TimerKind.RETRY: _try_again,
    TimerKind.SLEEP: end_sleep,
    TimerKind.SUSPENSION_TIMEOUT: end_patience,
}
