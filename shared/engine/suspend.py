"""Steps that wait for something outside: somebody's answer, a time, an event."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.engine.commands import SetTimer
from shared.engine.decision import RenderFailed
from shared.engine.draft import Draft
from shared.engine.flow import Json
from shared.engine.hooks import fire_suspended
from shared.engine.identity import command_id
from shared.engine.states import TimerKind
from shared.engine.transitions import StepMove
from shared.engine.visibility import Visible, each_of, seen_by_condition

LONGEST_EVENT_KEY = 256
"""Characters; jobs are looked up by it, so it stands in an index."""


def ask(draft: Draft, name: str) -> None:
    """Wait until somebody approves or rejects.

    Raises:
        RenderFailed: the message; nothing has changed.
    """
    message = _render(draft, name, "message")
    _suspend(draft, name, output={"approval_message": message})
    draft.say(f"[approval] Step '{name}' waiting for approval")
    fire_suspended(draft, name, message)


def sleep(draft: Draft, name: str) -> None:
    """Wait for a while or until a time; a time that is past ends the wait at once.

    Raises:
        RenderFailed: the time, or it is none; nothing has changed.
    """
    if "until" in draft.spec(name).action.spec:
        due_at = _read_time(_render(draft, name, "until"))
    else:
        due_at = _add(draft.at, _render(draft, name, "duration"))
    _suspend(draft, name)
    _set_timer(draft, name, TimerKind.SLEEP, due_at)


def await_event(draft: Draft, name: str) -> None:
    """Wait for the event with this key.

    Raises:
        RenderFailed: the key, or it is empty or too long; nothing has changed.
    """
    key = str(_render(draft, name, "event_key")).strip()
    if not key:
        raise RenderFailed("event_key is empty")
    if len(key) > LONGEST_EVENT_KEY:
        raise RenderFailed(f"event_key has {len(key)} characters, more than {LONGEST_EVENT_KEY}")
    _suspend(draft, name, waits_for=key)
    draft.say(f"[orchestration] Step '{name}' waiting for event '{key}'")


def _render(draft: Draft, name: str, field: str) -> Any:
    """One field of the action's body; it sees the job's input, and over it what the author wrote for the step."""
    spec, each, job_input = draft.spec(name), each_of(draft.steps[name]), draft.job.input
    context = Visible(draft, job_input, seen_by_condition, each)
    own: dict[str, Json] = {key: draft.renderer.render(value, context) for key, value in spec.input.items()}
    context = Visible(draft, {**job_input, **own}, seen_by_condition, each)
    return draft.renderer.render_deep(spec.action.spec[field], context)


def _suspend(draft: Draft, name: str, **fields: Any) -> None:
    attempt, timeout = draft.steps[name].attempt + 1, draft.spec(name).timeout
    about = {"attempt": attempt, "started_at": draft.at, "suspended_at": draft.at}
    draft.move_step(name, StepMove.SUSPENDED, **about, **fields)
    draft.begin_job()
    if timeout is not None:
        _set_timer(draft, name, TimerKind.SUSPENSION_TIMEOUT, draft.at + timeout)


def _set_timer(draft: Draft, name: str, kind: TimerKind, due_at: datetime) -> None:
    attempt = draft.steps[name].attempt
    draft.owe(SetTimer(command_id(draft.job.id, name, attempt, kind), kind, due_at, name, attempt))


def _read_time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(str(text).strip())
    except ValueError:
        raise RenderFailed(f"until is no time (ISO 8601): {text!r}") from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _add(at: datetime, duration: Any) -> datetime:
    try:
        return at + timedelta(seconds=float(duration))
    except (TypeError, ValueError, OverflowError):
        raise RenderFailed(f"duration is no number of seconds, or too many: {duration!r}") from None


SUSPENDED_KINDS: Mapping[str, Callable[[Draft, str], None]] = {
    "approval": ask,
    "sleep": sleep,
    "wait_for_event": await_event,
}
"""How each kind of step begins to wait; none of them keeps anybody busy."""
