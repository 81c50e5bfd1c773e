"""Cancelling a job: at once for what waits, by its worker for what runs."""

from shared.engine.decision import Ignored
from shared.engine.draft import Draft
from shared.engine.events import JobCancelRequested
from shared.engine.states import StepStatus
from shared.engine.transitions import JobMove, StepMove


def request_cancel(draft: Draft, event: JobCancelRequested) -> Ignored | None:
    """Cancel the job on somebody's wish; a job that has ended stays as it is."""
    if draft.job.status.is_terminal:
        return Ignored.DUPLICATE
    cancel_job(draft, f"cancelled by {event.by}")
    draft.say(f"[orchestration] Job cancelled by {event.by}")
    return None


def cancel_job(draft: Draft, reason: str) -> None:
    """End the job now; running steps end when their workers or child jobs report, or are lost."""
    draft.move_job(JobMove.CANCELLED, reason=reason)
    draft.change_job(waiting=())
    for name, step in tuple(draft.steps.items()):
        if step.status is StepStatus.RUNNING and not draft.is_loop(name):
            draft.owe_cancel(name)
        elif not step.status.is_terminal:
            draft.move_step(name, StepMove.CANCELLED)
