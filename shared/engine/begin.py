"""The start of an attempt, by what kind of step it is: most go to a worker, some the engine carries out itself."""

from collections.abc import Callable, Mapping

from shared.engine.children import start_child
from shared.engine.decision import RenderFailed
from shared.engine.dispatch import dispatch
from shared.engine.draft import Draft
from shared.engine.suspend import SUSPENDED_KINDS

_KINDS: Mapping[str, Callable[[Draft, str], None]] = {"task": start_child, **SUSPENDED_KINDS}


def begin(draft: Draft, name: str) -> None:
    """Begin the next attempt of a pending step; one whose templates can't be rendered fails instead."""
    try:
        _KINDS.get(draft.spec(name).action.type, dispatch)(draft, name)
    except RenderFailed as failure:
        draft.fail_step(name, failure.message)
