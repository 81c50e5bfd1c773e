"""What happens when time is up."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from shared.engine.cancel import cancel_job
from shared.engine.decision import Ignored
from shared.engine.draft import Draft
from shared.engine.events import TimerFired
from shared.engine.states import JobStatus, StepStatus, TimerKind
from shared.engine.transitions import StepMove

GRACE = timedelta(seconds=10)
"""How long the worker, which keeps the exact time, may be late with its report. Source: Strøm, timeouts."""


def fire_timer(draft: Draft, event: TimerFired) -> Ignored | None:
    """End what the timer watched."""
    return _TIMERS[event.kind](draft, event)


def seconds(duration: timedelta) -> str:
    """A duration for people: `90`, `0.5`."""
    return f"{duration.total_seconds():g}"


def _end_job(draft: Draft, _event: TimerFired) -> Ignored | None:
    if draft.job.status.is_terminal:
        return Ignored.DUPLICATE
    if draft.flow.timeout is None:
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
    timeout = draft.flow.steps[name].timeout
    if step.status is not StepStatus.RUNNING or timeout is None or step.started_at is None:
        return Ignored.STALE
    if event.at < step.started_at + timeout:
        return Ignored.STALE
    error = "Step timed out (server-side enforcement)"
    if draft.job.status is JobStatus.CANCELLED:
        draft.move_step(name, StepMove.CANCELLED, error=error)
    else:
        draft.fail_step(name, error)
        draft.owe_cancel(name)
    return None


_TIMERS: Mapping[TimerKind, Callable[[Draft, TimerFired], Ignored | None]] = {
    TimerKind.STEP_TIMEOUT: _end_step,
    TimerKind.JOB_TIMEOUT: _end_job,
}
