"""The first decision about a job."""

from shared.engine.commands import SetTimer
from shared.engine.decision import Ignored
from shared.engine.draft import Draft
from shared.engine.events import JobCreated
from shared.engine.identity import command_id
from shared.engine.readiness import admit
from shared.engine.states import JobStatus, StepStatus, TimerKind


def start_job(draft: Draft, _event: JobCreated) -> Ignored | None:
    """Set the job's timer, and admit the steps that depend on nothing."""
    if _has_started(draft):
        return Ignored.DUPLICATE
    job, timeout = draft.job, draft.flow.timeout
    if timeout is not None:
        timer = command_id(job.id, None, 0, TimerKind.JOB_TIMEOUT)
        draft.owe(SetTimer(timer, TimerKind.JOB_TIMEOUT, job.created_at + timeout))
    for spec in draft.flow.steps.values():
        if not spec.depends_on:
            admit(draft, spec)
    return None


def _has_started(draft: Draft) -> bool:
    if draft.job.status is not JobStatus.PENDING:
        return True
    return any(step.status is not StepStatus.PENDING for step in draft.steps.values())
