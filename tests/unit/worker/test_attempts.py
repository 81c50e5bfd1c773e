"""What a worker remembers of attempts."""

from services.worker.attempts import Attempts, key_of
from services.worker.halt import HaltReason
from shared.messages.wire import CancelStepMessage
from tests.support.commands import a_step


def test_an_attempt_begins_once_while_it_runs_and_never_again_once_reported() -> None:
    attempts, step = Attempts(), a_step()
    assert attempts.begin(step) is not None
    assert attempts.begin(step) is None
    assert list(attempts.running) == [key_of(step)]
    attempts.end(step, is_reported=True)
    assert list(attempts.running) == []
    assert attempts.begin(step) is None
    assert attempts.begin(a_step(attempt=2)) is not None


def test_an_attempt_that_was_not_reported_may_begin_again() -> None:
    attempts, step = Attempts(), a_step()
    attempts.begin(step)
    attempts.end(step, is_reported=False)
    assert attempts.begin(step) is not None


def test_a_cancel_reaches_what_runs_and_what_is_yet_to_come() -> None:
    attempts, running, coming, other = Attempts(), a_step(), a_step(step="coming"), a_step(step="other")
    halt = attempts.begin(running)
    for step in (running, coming):
        attempts.cancel(
            CancelStepMessage(
                id="1", occurred_at=step.occurred_at, job_id=step.job_id, step=step.step, attempt=step.attempt
            )
        )
    assert halt is not None
    assert halt.reason is HaltReason.CANCELLED
    late, untouched = attempts.begin(coming), attempts.begin(other)
    assert late is not None
    assert late.reason is HaltReason.CANCELLED
    assert untouched is not None
    assert untouched.reason is None


def test_the_first_reason_to_end_stays() -> None:
    attempts, step = Attempts(), a_step()
    halt = attempts.begin(step)
    attempts.drain()
    assert halt is not None
    halt.ask(HaltReason.CANCELLED)
    assert halt.reason is HaltReason.DRAINED
