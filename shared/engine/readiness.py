"""Which steps may go now, which never will: applied to a fixed point after every event.

A dependency satisfies a step when it completed or was skipped; a failed or cancelled one only if the step has
`continue_on_failure`. Only dependents of steps that have just ended are looked at, so an event costs the same in a flow
of ten steps and of a thousand.
"""

from shared.engine.decision import RenderFailed
from shared.engine.dispatch import dispatch
from shared.engine.draft import Draft
from shared.engine.flow import StepSpec
from shared.engine.states import StepStatus
from shared.engine.visibility import Visible, seen_by_condition

_UNSATISFYING = frozenset({StepStatus.FAILED, StepStatus.CANCELLED})


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
    """Judge a pending step again, now that its dependency `cause` has ended."""
    ended = draft.steps[cause].status
    if ended in _UNSATISFYING and not spec.continue_on_failure:
        draft.skip_step(spec.name, f"its dependency '{cause}' {_verb(ended)}")
    elif not _have_all_ended(draft, spec):
        return
    elif _were_all_skipped(draft, spec) and not spec.continue_on_failure:
        draft.skip_step(spec.name, "all its dependencies were skipped")
    else:
        admit(draft, spec)


def _verb(ended: StepStatus) -> str:
    return "failed" if ended is StepStatus.FAILED else "was cancelled"


def _have_all_ended(draft: Draft, spec: StepSpec) -> bool:
    """Backwards: steps tend to end in the author's order, so that a wide join usually finds an open one at once."""
    return all(draft.steps[name].status.is_terminal for name in reversed(spec.depends_on))


def _were_all_skipped(draft: Draft, spec: StepSpec) -> bool:
    return all(draft.steps[name].status is StepStatus.SKIPPED for name in spec.depends_on)
