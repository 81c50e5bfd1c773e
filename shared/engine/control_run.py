"""A job that takes up the work of one that has ended: what is completed stays so, the rest runs."""

from dataclasses import replace
from datetime import datetime

from shared.engine.create import new_job
from shared.engine.decision import Refusal
from shared.engine.job import Job, Step
from shared.engine.states import StepStatus

SOURCE_TYPE = "retry"


def refuse_retry(job: Job) -> Refusal | None:
    """Why a job can't be retried as a whole."""
    if not job.status.is_terminal:
        return Refusal(f"Job is {job.status}; only a job that has ended can be retried")
    if job.open_steps:
        return Refusal(f"Job is {job.status} and its running steps have not ended yet")
    return None


def retry_job(old: Job, *, id: str, created_at: datetime) -> Job:  # noqa: A002 - the field of a job
    """The new job: the same flow, revision and input; steps that completed are so from its start, with their outputs.

    Skipped, failed and cancelled ones are judged anew. It is nobody's child, and a hook's work has no hooks either.
    """
    flow = old.flow
    if old.source_type == "hook":
        flow = replace(flow, on_success=(), on_error=(), on_cancel=(), on_suspended=())
    job = new_job(
        id=id,
        workspace=old.workspace,
        task=old.task,
        revision=old.revision,
        flow=flow,
        input=old.input,
        raw_input=old.raw_input,
        source_type=SOURCE_TYPE,
        source_id=old.id,
        created_at=created_at,
        warnings=old.warnings,
    )
    carried = {name: _carry(old.steps[name], created_at) for name in job.steps if _is_done(old.steps.get(name))}
    steps = {name: carried.get(name, step) for name, step in job.steps.items()}
    return replace(job, steps=steps, open_steps=job.open_steps - len(carried), retry_of_job_id=old.id)


def is_carried(step: Step) -> bool:
    """Whether the step's result was taken over from another job."""
    return step.status is StepStatus.COMPLETED and step.settled_by == SOURCE_TYPE


def _is_done(step: Step | None) -> bool:
    return step is not None and step.status is StepStatus.COMPLETED


def _carry(step: Step, at: datetime) -> Step:
    return Step(
        status=StepStatus.COMPLETED, input=step.input, output=step.output, finished_at=at, settled_by=SOURCE_TYPE
    )
