"""What follows once, when a job has ended and nothing of it runs any more: others are told, jobs are started."""

from shared.engine.commands import NotifyParent, StartRetryJob
from shared.engine.draft import Draft
from shared.engine.hooks import HOOK_SOURCE, fire_hooks
from shared.engine.identity import command_id, derive_id
from shared.engine.retry import delay_before
from shared.engine.spoken import seconds
from shared.engine.states import JobStatus


def close_job(draft: Draft) -> None:
    """Tell the parent's step, try the job again as a whole, or start its hooks; the last attempt's hooks only."""
    job = draft.job
    if not job.status.is_terminal or draft.open_steps or job.are_hooks_fired:
        return
    draft.change_job(are_hooks_fired=True)
    _tell_parent(draft)
    if _may_retry(draft):
        _retry(draft)
    else:
        fire_hooks(draft)


def _tell_parent(draft: Draft) -> None:
    job = draft.job
    if job.parent_job_id is None or job.parent_step is None or job.parent_attempt is None:
        return
    draft.owe(
        NotifyParent(
            id=command_id(job.id, None, job.reopened_count, "parent"),
            parent_job_id=job.parent_job_id,
            parent_step=job.parent_step,
            parent_attempt=job.parent_attempt,
            child_job_id=job.id,
            status=job.status,
            output=job.output,
            error=job.reason,
        )
    )


def _may_retry(draft: Draft) -> bool:
    job = draft.job
    if job.status is not JobStatus.FAILED or job.retry_attempt >= job.max_retries or job.retry_job_id is not None:
        return False
    return job.parent_job_id is None and job.source_type != HOOK_SOURCE


def _retry(draft: Draft) -> None:
    """Owe the job's successor; both name each other."""
    job, retry, number = draft.job, draft.flow.retry, draft.job.retry_attempt + 1
    root = job.retry_of_job_id or job.id
    delay = delay_before(retry, number, f"{root}/{number}") if retry is not None else draft.at - draft.at
    successor = derive_id(draft.at, root, "retry", number)
    draft.change_job(retry_job_id=successor)
    draft.owe(
        StartRetryJob(
            command_id(job.id, None, number, "retry"), successor, root, number, job.max_retries, draft.at + delay
        )
    )
    runs = f"{number}/{job.max_retries + 1}"
    draft.say(f"[retry] Job attempt {runs} failed, retrying in {seconds(delay)}s as job {successor}")
