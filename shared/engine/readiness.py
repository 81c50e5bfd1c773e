"""Which steps may go now, which never will: applied to a fixed point after every event.

A dependency satisfies a step when it completed or was skipped; a failed or cancelled one only if the step has
`continue_on_failure`. Only dependents of steps that have just ended are looked at, so an event costs the same in a flow
of ten steps and of a thousand.
"""

from collections.abc import Iterable

from shared.engine.decision import RenderFailed
from shared.engine.dispatch import dispatch
from shared.engine.draft import Draft
from shared.engine.flow import StepSpec
from shared.engine.states import StepStatus
from shared.engine.visibility import Visible, seen_by_condition

_VERBS = {StepStatus.FAILED: "failed", StepStatus.CANCELLED: "was cancelled"}
"""How a dependency ends that satisfies only a step with `continue_on_failure`, and the word for it."""


def promote(draft: Draft) -> None:
    """Look at the dependents of every settled step, and of those that settle thereby, until nothing changes."""
    while draft.settled:
        cause = draft.settled.popleft()
        for name in draft.flow.dependents[cause]:
            if draft.steps[name].status is StepStatus.PENDING:
                _reconsider(draft, draft.flow.steps[name], cause)


def admit(draft: Draft, spec: StepSpec) -> None:
    """Send a step on its way whose dependencies allow it, unless its `when` says otherwise."""
    if spec.when is None:
        dispatch(draft, spec)
        return
    try:
        is_wanted = draft.renderer.is_true(spec.when, Visible(draft, draft.job.input, seen_by_condition))
    except RenderFailed as failure:
        draft.fail_step(spec.name, f"when condition error: {failure.message}")
        return
    if is_wanted:
        dispatch(draft, spec)
    else:
        draft.skip_step(spec.name, "its condition is false")


def _reconsider(draft: Draft, spec: StepSpec, cause: str) -> None:
    """Judge a pending step again, now that its dependency `cause` has ended: others may still be open."""
    have_all_ended = _have_all_ended(draft, spec)
    failed = None if spec.continue_on_failure else _first_failed(draft, spec.depends_on if have_all_ended else (cause,))
    if failed is not None:
        draft.skip_step(spec.name, f"its dependency '{failed}' {_VERBS[draft.steps[failed].status]}")
    elif not have_all_ended:
        return
    elif not spec.continue_on_failure and _were_all_skipped(draft, spec):
        draft.skip_step(spec.name, "all its dependencies were skipped")
    else:
        admit(draft, spec)


def _have_all_ended(draft: Draft, spec: StepSpec) -> bool:
    """Backwards: steps tend to end in the author's order, so that a wide join usually finds an open one at once."""
    return all(draft.steps[name].status.is_terminal for name in reversed(spec.depends_on))


def _first_failed(draft: Draft, names: Iterable[str]) -> str | None:
    return next((name for name in names if draft.steps[name].status in _VERBS), None)


def _were_all_skipped(draft: Draft, spec: StepSpec) -> bool:
    return all(draft.steps[name].status is StepStatus.SKIPPED for name in spec.depends_on)
