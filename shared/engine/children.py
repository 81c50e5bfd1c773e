"""Steps that are tasks: each attempt is a job of its own, which tells how it ended."""

from shared.engine.commands import SetTimer, StartChild
from shared.engine.decision import Ignored
from shared.engine.draft import Draft
from shared.engine.events import ChildFinished
from shared.engine.identity import command_id, derive_id
from shared.engine.prepare import prepare_input
from shared.engine.retry import fail_or_retry
from shared.engine.states import JobStatus, StepStatus, TimerKind
from shared.engine.transitions import StepMove
from shared.engine.visibility import Visible, each_of, seen_by_condition

MOST_DEPTH = 10
"""Jobs below each other; a task that starts itself ends here. Source: Strøm, sub-jobs."""


def start_child(draft: Draft, name: str) -> None:
    """Owe the child job of the next attempt; the step runs until the child tells its end.

    Raises:
        RenderFailed: its input; nothing has changed.
    """
    spec, step, job = draft.spec(name), draft.steps[name], draft.job
    task = spec.action.spec["task"]
    if job.depth >= MOST_DEPTH:
        draft.fail_step(name, f"Task '{task}' would be nested deeper than {MOST_DEPTH} levels")
        return
    context = Visible(draft, job.input, seen_by_condition, each_of(step))
    prepared = prepare_input(spec, job.input, context, draft.renderer)
    attempt = step.attempt + 1
    child = derive_id(draft.at, job.id, name, attempt)
    about = {"input": prepared, "ready_at": draft.at, "started_at": draft.at, "child_job_id": child}
    draft.move_step(name, StepMove.DELEGATED, attempt=attempt, **about)
    draft.begin_job()
    draft.owe(StartChild(command_id(job.id, name, attempt, "child"), child, name, attempt, task, prepared))
    if spec.timeout is not None:
        timer = draft.id_held(name, TimerKind.STEP_TIMEOUT)
        draft.owe(SetTimer(timer, TimerKind.STEP_TIMEOUT, draft.at + spec.timeout, name, attempt))


def finish_child(draft: Draft, event: ChildFinished) -> Ignored | None:
    """End the step as its child ended; in a cancelled job it ends cancelled, whatever became of the child."""
    name, child = event.step, event.child_job_id
    step = draft.steps.get(name)
    if step is None or step.attempt != event.attempt or step.child_job_id != child:
        return Ignored.STALE
    if step.status is not StepStatus.RUNNING:
        return Ignored.DUPLICATE
    if draft.job.status is JobStatus.CANCELLED:
        draft.move_step(name, StepMove.CANCELLED, error="Job cancelled")
    elif event.status is JobStatus.COMPLETED:
        draft.move_step(name, StepMove.SUCCEEDED, output=event.output)
    elif event.status is JobStatus.FAILED:
        fail_or_retry(draft, name, _failure(event))
    else:
        draft.move_step(name, StepMove.CANCELLED, error=f"Child job {child} was {event.status}")
    return None


def _failure(event: ChildFinished) -> str:
    told = f"Child job {event.child_job_id} failed"
    return f"{told}: {event.error}" if event.error else told
