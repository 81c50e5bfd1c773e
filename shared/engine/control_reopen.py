"""Steps that have ended run again: one of them, or one with everything that depends on it.

A job that had ended runs again with them. Attempts go on growing, so that a late report about the first run is as stale
as any; what was written about it stays in the log.
"""

from collections.abc import Collection
from dataclasses import replace

from shared.engine.commands import SetTimer
from shared.engine.decision import Ignored, Refusal
from shared.engine.draft import Draft
from shared.engine.events import StepRetryRequested, SubtreeReplayRequested
from shared.engine.flow import Flow
from shared.engine.identity import command_id
from shared.engine.job import Step
from shared.engine.readiness import admit
from shared.engine.states import JobStatus, StepStatus, TimerKind
from shared.engine.transitions import JobMove, StepMove, next_step

_ACTIVE = frozenset({StepStatus.READY, StepStatus.RUNNING, StepStatus.SUSPENDED})


def retry_step(draft: Draft, event: StepRetryRequested) -> Ignored | Refusal | None:
    """Run a step again that has ended, and whatever was skipped or cancelled because of it."""
    name = event.step
    refused = _refuse(draft, name, "retried", below(draft.flow, name))
    if refused is not None:
        return refused
    _reopen(draft, {name, *_victims(draft, name)})
    draft.say(f"[orchestration] Step '{name}' retried by {event.by}")
    _admit(draft, name)
    return None


def replay_subtree(draft: Draft, event: SubtreeReplayRequested) -> Ignored | Refusal | None:
    """Run a step again that has ended, and everything that depends on it."""
    name = event.step
    beneath = below(draft.flow, name)
    refused = _refuse(draft, name, "replayed", beneath)
    if refused is not None:
        return refused
    _reopen(draft, {name, *beneath})
    draft.say(f"[orchestration] Step '{name}' and {len(beneath)} that depend on it replayed by {event.by}")
    _admit(draft, name)
    return None


def below(flow: Flow, name: str) -> tuple[str, ...]:
    """All steps that depend on this one, however indirectly, in the author's order."""
    if name not in flow.steps:
        return ()
    found: set[str] = set()
    open_ = [name]
    while open_:
        new = [each for each in flow.dependents[open_.pop()] if each not in found]
        found.update(new)
        open_ += new
    return tuple(each for each in flow.steps if each in found)


def _refuse(draft: Draft, name: str, wish: str, beneath: Collection[str]) -> Refusal | None:
    if name not in draft.steps:
        return Refusal(f"Step '{name}' not found")
    if draft.job.status is JobStatus.PENDING:
        return Refusal("Job has not begun yet")
    return _refuse_step(draft, name, wish) or _refuse_active(draft, name, beneath) or _refuse_barred(draft, name, wish)


def _refuse_step(draft: Draft, name: str, wish: str) -> Refusal | None:
    step = draft.steps[name]
    if step.loop_source is not None:
        return Refusal(f"Step '{name}' is an iteration of '{step.loop_source}'; only the loop as a whole can be {wish}")
    if not step.status.is_terminal:
        return Refusal(f"Step '{name}' is {step.status}; only a step that has ended can be {wish}")
    return None


def _refuse_active(draft: Draft, name: str, beneath: Collection[str]) -> Refusal | None:
    """Nobody must be at work on what is about to change."""
    if draft.job.status.is_terminal and draft.open_steps:
        return Refusal(f"Job is {draft.job.status} and its running steps have not ended yet")
    for each in beneath:
        if _is_active(draft.steps[each]):
            return Refusal(f"Step '{each}' depends on '{name}' and is {draft.steps[each].status}")
    return None


def _is_active(step: Step) -> bool:
    return step.status in _ACTIVE or step.retry_at is not None


def _refuse_barred(draft: Draft, name: str, wish: str) -> Refusal | None:
    """It would only be skipped again."""
    spec = draft.flow.steps[name]
    for each in () if spec.continue_on_failure else spec.depends_on:
        if draft.steps[each].status in (StepStatus.FAILED, StepStatus.CANCELLED):
            told = draft.steps[each].status
            return Refusal(f"Step '{name}' can't be {wish}: its dependency '{each}' is {told}; retry that one first")
    return None


def _victims(draft: Draft, name: str) -> set[str]:
    """Steps below that were skipped because of the step, or cancelled before their turn came."""
    found: set[str] = set()
    open_ = [name]
    while open_:
        cause = open_.pop()
        new = [each for each in draft.flow.dependents[cause] if each not in found and _is_victim(draft, each, cause)]
        found.update(new)
        open_ += new
    return found


def _is_victim(draft: Draft, name: str, cause: str) -> bool:
    step = draft.steps[name]
    if step.status is StepStatus.SKIPPED:
        others = step.skip_cause is not None and draft.steps[step.skip_cause].status is StepStatus.SKIPPED
        return step.skip_cause == cause or others  # all of its dependencies were skipped: each is a cause
    return step.status is StepStatus.CANCELLED and step.started_at is None


def _reopen(draft: Draft, names: Collection[str]) -> None:
    if draft.job.status.is_terminal:
        _reopen_job(draft)
    for name in draft.flow.steps:
        if name in names and draft.steps[name].status.is_terminal:
            _reopen_step(draft, name)
    still = tuple(each for each in draft.job.waiting if _have_dependencies_ended(draft, each))
    draft.change_job(waiting=still)


def _reopen_job(draft: Draft) -> None:
    """What the job's end brought about may come about again, under ids of its own; its time begins anew."""
    turn = draft.job.reopened_count + 1
    fields = {"output": None, "reason": None, "finished_at": None, "are_hooks_fired": False}
    draft.move_job(JobMove.REOPENED, reopened_count=turn, **fields)
    timeout = draft.flow.timeout
    if timeout is not None:
        timer = command_id(draft.job.id, None, turn, TimerKind.JOB_TIMEOUT)
        draft.owe(SetTimer(timer, TimerKind.JOB_TIMEOUT, draft.at + timeout, attempt=turn))


def _reopen_step(draft: Draft, name: str) -> None:
    """As if it had never run, but for its attempts, its retries so far and its log."""
    old = draft.steps[name]
    was_queued = old.status is StepStatus.CANCELLED and old.attempt > 0 and str(old.attempt) not in old.log_lines
    if was_queued and draft.spec(name).action.route and not draft.is_loop(name):
        draft.owe_cancel(name)  # its command may still lie in a queue
    status = next_step(old.status, StepMove.REOPENED)
    draft.steps[name] = replace(
        Step(), status=status, attempt=old.attempt, log_lines=old.log_lines, retry_history=old.retry_history
    )
    draft.open_steps += 1


def _admit(draft: Draft, name: str) -> None:
    """Whoever asks for a step means it: that all its dependencies were skipped is no reason to skip it, too."""
    if _have_dependencies_ended(draft, name):
        admit(draft, name)


def _have_dependencies_ended(draft: Draft, name: str) -> bool:
    return all(draft.steps[each].status.is_terminal for each in draft.spec(name).depends_on)
