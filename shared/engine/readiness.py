"""Which steps may go now, which never will: applied to a fixed point after every event.

A dependency satisfies a step when it completed or was skipped; a failed or cancelled one only if the step has
`continue_on_failure`. Only dependents of steps that have just ended are looked at, so an event costs the same in a flow
of ten steps and of a thousand.
"""

from collections.abc import Iterable

from shared.engine.admission import launch
from shared.engine.decision import RenderFailed
from shared.engine.draft import Draft
from shared.engine.flow import StepSpec
from shared.engine.loops import end_instance, expand
from shared.engine.states import StepStatus
from shared.engine.visibility import Visible, seen_by_condition

_VERBS = {StepStatus.FAILED: "failed", StepStatus.CANCELLED: "was cancelled"}
"""How a dependency ends that satisfies only a step with `continue_on_failure`, and the word for it."""


def promote(draft: Draft) -> None:
    """Look at the dependents of every settled step, and of those that settle thereby, until nothing changes."""
    while draft.settled:
        cause = draft.settled.popleft()
        if draft.steps[cause].loop_source is not None:
            end_instance(draft, cause)
            continue
        for name in draft.flow.dependents[cause]:
            if draft.steps[name].status is StepStatus.PENDING and name not in draft.job.waiting:
                reconsider(draft, name, cause)


def admit(draft: Draft, name: str) -> None:
    """Send a step on its way whose dependencies allow it, unless its `when` says otherwise."""
    spec = draft.flow.steps[name]
    if spec.when is None:
        _send(draft, spec)
        return
    try:
        is_wanted = draft.renderer.is_true(spec.when, Visible(draft, draft.job.input, seen_by_condition))
    except RenderFailed as failure:
        draft.fail_step(spec.name, f"when condition error: {failure.message}")
        return
    if is_wanted:
        _send(draft, spec)
    else:
        draft.skip_step(spec.name, "its condition is false")


def reconsider(draft: Draft, name: str, cause: str | None = None) -> None:
    """Judge a pending step again; `cause` is the dependency that has just ended, others may still be open."""
    spec = draft.flow.steps[name]
    have_all_ended = _have_all_ended(draft, spec)
    failed = (
        None
        if spec.continue_on_failure
        else _first_failed(draft, (cause,) if cause and not have_all_ended else spec.depends_on)
    )
    if failed is not None:
        why = f"its dependency '{failed}' {_VERBS[draft.steps[failed].status]}"
        draft.skip_step(spec.name, why, skip_cause=failed)
    elif not have_all_ended:
        return
    elif spec.depends_on and not spec.continue_on_failure and _were_all_skipped(draft, spec):
        draft.skip_step(spec.name, "all its dependencies were skipped", skip_cause=spec.depends_on[0])
    else:
        admit(draft, name)


def _send(draft: Draft, spec: StepSpec) -> None:
    if spec.loop is None:
        launch(draft, spec.name)
    else:
        expand(draft, spec.name)


def _have_all_ended(draft: Draft, spec: StepSpec) -> bool:
    """Backwards: steps tend to end in the author's order, so that a wide join usually finds an open one at once."""
    return all(draft.steps[name].status.is_terminal for name in reversed(spec.depends_on))


def _first_failed(draft: Draft, names: Iterable[str]) -> str | None:
    return next((name for name in names if draft.steps[name].status in _VERBS), None)


def _were_all_skipped(draft: Draft, spec: StepSpec) -> bool:
    """What somebody skipped by hand counts as done."""
    skipped = (draft.steps[name] for name in spec.depends_on)
    return all(step.status is StepStatus.SKIPPED and step.settled_by is None for step in skipped)
