"""Jobs that are started because a job has ended, or waits for somebody."""

from collections.abc import Mapping
from datetime import datetime

from shared.engine.commands import StartHook
from shared.engine.decision import RenderFailed
from shared.engine.draft import Draft
from shared.engine.ending import failed_steps
from shared.engine.flow import Hook, Json
from shared.engine.identity import command_id, derive_id
from shared.engine.states import HookEvent, JobStatus, StepStatus

HOOK_SOURCE = "hook"
"""Source of a hook's own job; it has no hooks."""


def fire_hooks(draft: Draft) -> None:
    """Start the hooks of a job that has ended; a cancelled one without `on_cancel` has those of a failed one."""
    event, hooks = _chosen(draft)
    if hooks and draft.job.source_type != HOOK_SOURCE:
        _start_all(draft, event, hooks, hook_context(draft), (draft.job.reopened_count,))


def fire_suspended(draft: Draft, name: str, message: str) -> None:
    """Start the hooks of a job one of whose steps now waits for somebody's answer."""
    hooks, job = draft.flow.on_suspended, draft.job
    if not hooks or job.source_type == HOOK_SOURCE:
        return
    context = {
        "workspace": job.workspace,
        "task_name": job.task,
        "job_id": job.id,
        "status": StepStatus.SUSPENDED.value,
        "step_name": name,
        "message": message,
        "source_type": job.source_type,
        "source_id": job.source_id,
    }
    _start_all(draft, HookEvent.ON_SUSPENDED, hooks, context, (name, draft.steps[name].attempt))


def hook_context(draft: Draft) -> dict[str, Json]:
    """What a hook's templates see as `hook`. Times are ISO 8601 text, `duration_secs` is null if nothing ever ran."""
    job = draft.job
    failures = [_failure(draft, name) for name in failed_steps(draft)]
    return {
        "workspace": job.workspace,
        "task_name": job.task,
        "job_id": job.id,
        "status": job.status.value,
        "is_success": job.status is JobStatus.COMPLETED,
        "error_message": "; ".join(f"Step '{each['step_name']}': {each['error_message']}" for each in failures) or None,
        "source_type": job.source_type,
        "source_id": job.source_id,
        "started_at": _text(job.started_at),
        "completed_at": _text(job.finished_at),
        "duration_secs": _duration(job.started_at, job.finished_at),
        "failed_steps": failures,
    }


def _chosen(draft: Draft) -> tuple[HookEvent, tuple[Hook, ...]]:
    flow, status = draft.flow, draft.job.status
    if status is JobStatus.COMPLETED:
        return HookEvent.ON_SUCCESS, flow.on_success
    if status is JobStatus.CANCELLED and flow.on_cancel:
        return HookEvent.ON_CANCEL, flow.on_cancel
    return HookEvent.ON_ERROR, flow.on_error


def _start_all(
    draft: Draft, event: HookEvent, hooks: tuple[Hook, ...], seen: Mapping[str, Json], occasion: tuple[str | int, ...]
) -> None:
    for index, hook in enumerate(hooks):
        _start(draft, event, index, hook, {"hook": seen}, occasion)


def _start(
    draft: Draft,
    event: HookEvent,
    index: int,
    hook: Hook,
    context: Mapping[str, Json],
    occasion: tuple[str | int, ...],
) -> None:
    try:
        rendered = {field: draft.renderer.render(value, context) for field, value in hook.input.items()}
    except RenderFailed as failure:
        place = f"{event}[{index}] for action '{hook.action.name}'"
        draft.say(f"[hooks] Failed to fire hook {place}: {failure.message}")
        return
    job_id = derive_id(draft.at, draft.job.id, event, index, *occasion)
    about = "/".join(str(part) for part in (event, *occasion))
    draft.owe(StartHook(command_id(draft.job.id, None, index, about), job_id, event, index, hook, rendered))


def _failure(draft: Draft, name: str) -> dict[str, Json]:
    spec, step = draft.flow.steps[name], draft.steps[name]
    return {
        "step_name": name,
        "action_name": spec.action.name,
        "error_message": step.error or step.status.value,
        "continue_on_failure": spec.continue_on_failure,
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _duration(started_at: datetime | None, finished_at: datetime | None) -> float | None:
    if started_at is None or finished_at is None:
        return None
    return (finished_at - started_at).total_seconds()
