"""Jobs that are started because a job has ended."""

from collections.abc import Mapping
from datetime import datetime

from shared.engine.commands import StartHook
from shared.engine.decision import RenderFailed
from shared.engine.draft import Draft
from shared.engine.ending import failed_steps
from shared.engine.flow import Hook, Json
from shared.engine.identity import command_id, derive_id
from shared.engine.states import HookEvent, JobStatus

_HOOK_SOURCE = "hook"


def fire_hooks(draft: Draft) -> None:
    """Start the job's hooks, once, when it has ended and nothing of it runs any more; a hook's own job has none."""
    job = draft.job
    if not job.status.is_terminal or draft.open_steps or job.are_hooks_fired:
        return
    draft.change_job(are_hooks_fired=True)
    event, hooks = HookEvent.ON_ERROR, draft.flow.on_error
    if job.status is JobStatus.COMPLETED:
        event, hooks = HookEvent.ON_SUCCESS, draft.flow.on_success
    if not hooks or job.source_type == _HOOK_SOURCE:
        return
    context = {"hook": hook_context(draft)}
    for index, hook in enumerate(hooks):
        _start(draft, event, index, hook, context)


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


def _start(draft: Draft, event: HookEvent, index: int, hook: Hook, context: Mapping[str, Json]) -> None:
    try:
        rendered = {field: draft.renderer.render(value, context) for field, value in hook.input.items()}
    except RenderFailed as failure:
        place = f"{event}[{index}] for action '{hook.action.name}'"
        draft.say(f"[hooks] Failed to fire hook {place}: {failure.message}")
        return
    job_id = derive_id(draft.at, draft.job.id, event, index)
    draft.owe(StartHook(command_id(draft.job.id, None, index, event), job_id, event, index, hook, rendered))


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
