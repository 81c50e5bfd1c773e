"""Another attempt after a failure: whether, and when."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

from shared.engine.commands import SetTimer
from shared.engine.draft import Draft
from shared.engine.flow import Backoff, Retry
from shared.engine.identity import command_id
from shared.engine.spoken import seconds
from shared.engine.states import TimerKind
from shared.engine.transitions import StepMove

MOST_DOUBLINGS = 6
"""Where no `max_delay` is named: at most 64 times the delay. Source: Strøm, retries."""
UNBOUND_DOUBLINGS = 20
"""Where `max_delay` is named it is the bound; this one only keeps the arithmetic finite."""
_DIGEST_BITS = 64


def delay_before(retry: Retry, number: int, seed: str) -> timedelta:
    """How long to wait before retry `number`, counted from 1; with jitter 25 % more or less, the same for a seed.

    Exponential, delay 2 s, max_delay 60 s: 2, 4, 8, 16, 32, 60, 60. Fixed, 30 s: 30, 30, 30. None: 0, 0, 0.
    """
    if retry.backoff is Backoff.NONE:
        return timedelta()
    most = MOST_DOUBLINGS if retry.max_delay is None else UNBOUND_DOUBLINGS
    doublings = min(number - 1, most) if retry.backoff is Backoff.EXPONENTIAL else 0
    delay: timedelta = retry.delay * (1 << doublings)
    if retry.max_delay is not None:
        delay = min(delay, retry.max_delay)
    return delay * _jitter(seed) if retry.has_jitter else delay


def fail_or_retry(draft: Draft, name: str, error: str, **reported: Any) -> None:
    """Have a step whose attempt failed wait for its next one, or end it as failed if it has none left."""
    retry, step = draft.spec(name).retry, draft.steps[name]
    if retry is not None and step.retry_attempt < retry.max_attempts:
        _wait(draft, name, retry, error, **reported)
        return
    if retry is not None:
        draft.say(f"[retry] Step '{name}' retries exhausted")
    draft.fail_step(name, error, **reported)


def _wait(draft: Draft, name: str, retry: Retry, error: str, **reported: Any) -> None:
    step = draft.steps[name]
    number, started_at = step.retry_attempt + 1, reported.get("started_at", step.started_at)
    delay = delay_before(retry, number, f"{draft.job.id}/{name}/{number}")
    failed = {
        "attempt": step.attempt,
        "error": error,
        "started_at": started_at and started_at.isoformat(),
        "failed_at": draft.at.isoformat(),
    }
    draft.move_step(
        name,
        StepMove.RETRIED,
        retry_attempt=number,
        retry_at=draft.at + delay,
        retry_history=(*step.retry_history, failed),
        log_lines=reported.get("log_lines", step.log_lines),
        worker_id=None,
        started_at=None,
        child_job_id=None,
    )
    timer = command_id(draft.job.id, name, step.attempt, TimerKind.RETRY)
    draft.owe(SetTimer(timer, TimerKind.RETRY, draft.at + delay, name, step.attempt))
    runs = f"{number}/{retry.max_attempts + 1}"
    draft.say(f"[retry] Step '{name}' attempt {runs} failed, retrying in {seconds(delay)}s: {error}")


def _jitter(seed: str) -> float:
    """A factor from 0.75 to 1.25."""
    digest = int.from_bytes(sha256(seed.encode()).digest()[:8], "big")
    return 0.75 + 0.5 * digest / (1 << _DIGEST_BITS)
