"""Sending a step to a worker: the next attempt, with everything rendered."""

from collections.abc import Mapping

from shared.engine.commands import RunStep
from shared.engine.decision import RenderFailed
from shared.engine.draft import Draft
from shared.engine.flow import Json, StepSpec
from shared.engine.identity import command_id
from shared.engine.prepare import prepare_input
from shared.engine.transitions import StepMove
from shared.engine.visibility import Visible, seen_by_worker


def dispatch(draft: Draft, spec: StepSpec) -> None:
    """Make a pending step ready and owe its command; one whose templates can't be rendered fails instead."""
    try:
        prepared, body = _render(draft, spec)
    except RenderFailed as failure:
        draft.fail_step(spec.name, failure.message)
        return
    attempt = draft.steps[spec.name].attempt + 1
    draft.move_step(spec.name, StepMove.DISPATCHED, attempt=attempt, input=prepared, ready_at=draft.at)
    draft.owe(
        RunStep(
            id=command_id(draft.job.id, spec.name, attempt, "run"),
            step=spec.name,
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


def _render(draft: Draft, spec: StepSpec) -> tuple[dict[str, Json], Mapping[str, Json]]:
    job_input = draft.job.input
    prepared = prepare_input(spec, job_input, Visible(draft, job_input, seen_by_worker), draft.renderer)
    return prepared, draft.renderer.render_deep(spec.action.spec, Visible(draft, prepared, seen_by_worker))
