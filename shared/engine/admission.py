"""Who may start now: the one gate for first attempts, retries, instances of loops and what a resumed job takes up."""

from collections import deque

from shared.engine.begin import begin
from shared.engine.draft import Draft
from shared.engine.states import JobStatus
from shared.engine.suspend import SUSPENDED_KINDS


def launch(draft: Draft, name: str) -> None:
    """Begin a pending step whose turn has come; without room it waits behind those that came before."""
    if _has_room(draft, name) and not (draft.job.waiting and _takes_room(draft, name)):
        begin(draft, name)
    else:
        draft.change_job(waiting=(*draft.job.waiting, name))


def admit_waiting(draft: Draft) -> bool:
    """Begin what waits, first come first, while there is room; whether there was anything to begin."""
    waiting = deque(draft.job.waiting)
    while waiting and _has_room(draft, waiting[0]):
        begin(draft, waiting.popleft())
    has_moved = len(waiting) < len(draft.job.waiting)
    if has_moved:
        draft.change_job(waiting=tuple(waiting))
    return has_moved


def _has_room(draft: Draft, name: str) -> bool:
    if draft.job.status is JobStatus.PAUSED:
        return False
    return not _takes_room(draft, name) or draft.busy_steps < (draft.flow.max_parallel_steps or 0)


def _takes_room(draft: Draft, name: str) -> bool:
    """Whether the step counts: there is a limit, and it keeps a worker or a child job busy."""
    return draft.flow.max_parallel_steps is not None and draft.spec(name).action.type not in SUSPENDED_KINDS
