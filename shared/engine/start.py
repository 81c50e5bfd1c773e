"""The first decision about a job."""

from shared.engine.commands import SetTimer
from shared.engine.control_run import is_carried
from shared.engine.decision import Ignored
from shared.engine.draft import Draft
from shared.engine.events import JobCreated
from shared.engine.identity import command_id
from shared.engine.readiness import admit
from shared.engine.states import JobStatus, StepStatus, TimerKind


def start_job(draft: Draft, _event: JobCreated) -> Ignored | None:
    """Set the job's timer, and admit the steps that depend on nothing; a job that is to start later waits first."""
    if _has_started(draft):
        return Ignored.DUPLICATE
    job, timeout = draft.job, draft.flow.timeout
    if timeout is not None:
        timer = command_id(job.id, None, 0, TimerKind.JOB_TIMEOUT)
        draft.owe(SetTimer(timer, TimerKind.JOB_TIMEOUT, (job.starts_at or job.created_at) + timeout))
    if job.starts_at is not None and job.starts_at > draft.at:
        draft.change_job(reason=f"starts at {job.starts_at.isoformat()}")
        draft.owe(SetTimer(command_id(job.id, None, 0, TimerKind.RETRY), TimerKind.RETRY, job.starts_at))
    else:
        begin_steps(draft)
    return None


def begin_steps(draft: Draft) -> None:
    """Admit the steps that depend on nothing; what was taken over from another job has ended already."""
    for spec in draft.flow.steps.values():
        if is_carried(draft.steps[spec.name]):
            draft.settled.append(spec.name)
        elif not spec.depends_on:
            admit(draft, spec.name)


def _has_started(draft: Draft) -> bool:
    if draft.job.status is not JobStatus.PENDING or draft.job.reason is not None or draft.job.waiting:
        return True
    return any(step.status is not StepStatus.PENDING and not is_carried(step) for step in draft.steps.values())
