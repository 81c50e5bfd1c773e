"""Somebody pauses a job, lets it go on, or settles by hand a step that has not started.

Each request is granted, ignored because it is so already, or refused with a sentence; a refusal changes nothing.
"""

from typing import Any

from shared.engine.decision import Ignored, Refusal
from shared.engine.draft import Draft
from shared.engine.events import (
    JobPauseRequested,
    JobResumeRequested,
    StepForceCompleteRequested,
    StepSkipRequested,
)
from shared.engine.states import JobStatus, StepStatus
from shared.engine.transitions import JobMove, StepMove

ENDED = Refusal("Job is already in a terminal state")
_OPEN_TO_HANDS = (StepStatus.PENDING, StepStatus.SUSPENDED)


def pause_job(draft: Draft, event: JobPauseRequested) -> Ignored | Refusal | None:
    """Start nothing more; commands that no worker has begun are called back, running steps finish, timers keep."""
    status = draft.job.status
    if status is JobStatus.PAUSED:
        return Ignored.DUPLICATE
    if status.is_terminal:
        return ENDED
    if status is not JobStatus.RUNNING:
        return Refusal("Job can only be paused while it is running; none of its steps has begun")
    draft.move_job(JobMove.PAUSED, reason=f"paused by {event.by}")
    draft.say(f"[orchestration] Job paused by {event.by}")
    _call_back(draft)
    return None


def resume_job(draft: Draft, event: JobResumeRequested) -> Ignored | Refusal | None:
    """Let a paused job go on; what may start, starts."""
    if draft.job.status.is_terminal:
        return ENDED
    if draft.job.status is not JobStatus.PAUSED:
        return Refusal("Job is not paused")
    draft.move_job(JobMove.RESUMED)
    draft.say(f"[orchestration] Job resumed by {event.by}")
    return None


def skip_step(draft: Draft, event: StepSkipRequested) -> Ignored | Refusal | None:
    """Pass over a step; its dependents take it for done."""
    refused = _refuse(draft, event.step, "skipped")
    if refused is not None:
        return refused
    why = f"by {event.by}" + (f": {event.reason}" if event.reason else "")
    _settle(draft, event.step, StepMove.PASSED_OVER, error=event.reason, settled_by=event.by)
    draft.say(f"[orchestration] Step '{event.step}' skipped {why}")
    return None


def force_complete_step(draft: Draft, event: StepForceCompleteRequested) -> Ignored | Refusal | None:
    """Complete a step with a result that somebody brings."""
    refused = _refuse(draft, event.step, "completed by hand")
    if refused is not None:
        return refused
    _settle(draft, event.step, StepMove.SUCCEEDED, output=event.result, settled_by=event.by)
    draft.say(f"[orchestration] Step '{event.step}' completed by {event.by}")
    return None


def _call_back(draft: Draft) -> None:
    """Take back what lies in queues; workers drop the old attempt, the next one is sent when the job goes on."""
    called = tuple(name for name, step in draft.steps.items() if step.status is StepStatus.READY)
    for name in called:
        draft.owe_cancel(name)
        draft.move_step(name, StepMove.CALLED_BACK, worker_id=None, ready_at=None)
    draft.change_job(waiting=(*called, *draft.job.waiting))


def _refuse(draft: Draft, name: str, wish: str) -> Refusal | None:
    if draft.job.status.is_terminal:
        return ENDED
    step = draft.steps.get(name)
    if step is None:
        return Refusal(f"Step '{name}' not found")
    if step.loop_source is not None and (step.loop_index or 0) >= draft.steps[step.loop_source].loop_next:
        return Refusal(f"Step '{name}' is an iteration whose turn has not come; it can't be {wish} yet")
    if step.status not in _OPEN_TO_HANDS:
        return Refusal(f"Step '{name}' is {step.status}; only a pending or suspended step can be {wish}")
    return None


def _settle(draft: Draft, name: str, move: StepMove, **fields: Any) -> None:
    """End a step whose turn has not come, or which waits for something outside."""
    draft.move_step(name, move, retry_at=None, waits_for=None, **fields)
    draft.change_job(waiting=tuple(each for each in draft.job.waiting if each != name))
