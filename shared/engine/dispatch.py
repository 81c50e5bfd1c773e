"""Sending a step to a worker: the next attempt, with everything rendered."""

from shared.engine.commands import RunStep
from shared.engine.draft import Draft
from shared.engine.identity import command_id
from shared.engine.prepare import prepare_input
from shared.engine.transitions import StepMove
from shared.engine.visibility import Visible, each_of, seen_by_worker


def dispatch(draft: Draft, name: str) -> None:
    """Make a pending step ready and owe its command.

    Raises:
        RenderFailed: its input or its action's body; nothing has changed.
    """
    spec, step, job_input = draft.spec(name), draft.steps[name], draft.job.input
    each = each_of(step)
    prepared = prepare_input(spec, job_input, Visible(draft, job_input, seen_by_worker, each), draft.renderer)
    body = draft.renderer.render_deep(spec.action.spec, Visible(draft, prepared, seen_by_worker, each))
    attempt = step.attempt + 1
    draft.move_step(name, StepMove.DISPATCHED, attempt=attempt, input=prepared, ready_at=draft.at)
    draft.owe(
        RunStep(
            id=command_id(draft.job.id, name, attempt, "run"),
            step=name,
            attempt=attempt,
            route=spec.action.route,
            action_name=spec.action.name,
            action_type=spec.action.type,
            runner=spec.action.runner,
            spec=body,
            input=prepared,
            timeout=spec.timeout,
        )
    )
