"""The end of a job whose steps have all ended: its status, its output, its failures."""

from collections.abc import Iterator

from shared.engine.draft import Draft
from shared.engine.flow import Json
from shared.engine.states import JobStatus, StepStatus
from shared.engine.transitions import JobMove


def end_job(draft: Draft) -> None:
    """Complete or fail a job that has no open step left.

    A failure counts unless the failed step itself has `continue_on_failure`; a dependent that tolerates it excuses
    nothing. A cancelled step always counts.
    """
    if draft.open_steps or draft.job.status.is_terminal:
        return
    counting = [f"'{name}'" for name in failed_steps(draft) if not _is_excused(draft, name)]
    if counting:
        draft.move_job(JobMove.FAILED)
        draft.say(f"[orchestration] Job failed because of {', '.join(counting)}")
    else:
        draft.move_job(JobMove.SUCCEEDED, output=_output(draft))
        draft.say("[orchestration] Job completed")


def failed_steps(draft: Draft) -> Iterator[str]:
    """The names of the steps that went wrong, in the author's order.

    A cancelled step is one of them only where the job was not cancelled as a whole.
    """
    is_cancelled = draft.job.status is JobStatus.CANCELLED
    wrong = {StepStatus.FAILED} if is_cancelled else {StepStatus.FAILED, StepStatus.CANCELLED}
    return (name for name in draft.flow.steps if draft.steps[name].status in wrong)


def _is_excused(draft: Draft, name: str) -> bool:
    return draft.steps[name].status is StepStatus.FAILED and draft.flow.steps[name].continue_on_failure


def _output(draft: Draft) -> dict[str, Json] | None:
    """`{step: output}` of the steps that nobody depends on and that have an output."""
    leaves = (name for name in draft.flow.steps if not draft.flow.dependents[name])
    outputs = {name: draft.steps[name].output for name in leaves if draft.steps[name].output is not None}
    return outputs or None
