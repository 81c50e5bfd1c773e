"""Commands in the outbox: owed until they are overtaken."""

from datetime import timedelta

from shared.engine.commands import CancelStep, Command, RunStep, SetTimer
from shared.engine.decide import decide
from shared.engine.events import (
    Event,
    JobCancelRequested,
    JobCreated,
    StepFinished,
    StepLost,
    StepStarted,
    TimerFired,
)
from shared.engine.flow import Hook
from shared.engine.job import Job
from shared.engine.owed import is_owed
from shared.engine.states import Outcome, TimerKind
from tests.support.jobs import SCRIPT, Verbatim, after, at, job_of, step

CREATED = JobCreated(at(0))
STARTED = StepStarted(at(1), "a", 1, "w1")
FINISHED = StepFinished(at(2), "a", 1, "w1", Outcome.COMPLETED)
LOST = StepLost(at(2), "a", 1, "w1", "no heartbeat")
CANCELLED = JobCancelRequested(at(2))
A_JOB = job_of(
    step("a", timeout=timedelta(seconds=30)),
    timeout=timedelta(seconds=60),
    on_success=(Hook(SCRIPT),),
    on_error=(Hook(SCRIPT),),
)


def the(kind: type[Command], *events: Event) -> Command:
    """The one command of that kind that follows from the last event."""
    *before, last = events
    found = [each for each in decide(after(A_JOB, *before), last, Verbatim()).commands if isinstance(each, kind)]
    assert len(found) == 1
    return found[0]


def job_after(*events: Event) -> Job:
    return after(A_JOB, *events)


def test_a_run_is_owed_until_the_attempt_starts_or_ends() -> None:
    run = the(RunStep, CREATED)
    assert is_owed(job_after(CREATED), run)
    assert not is_owed(job_after(CREATED, STARTED), run)
    assert not is_owed(job_after(CREATED, FINISHED), run)
    assert not is_owed(job_after(CREATED, CANCELLED), run)


def test_a_run_of_an_older_attempt_is_not_owed() -> None:
    older, newer = the(RunStep, CREATED), the(RunStep, CREATED, LOST)
    assert not is_owed(job_after(CREATED, LOST), older)
    assert is_owed(job_after(CREATED, LOST), newer)


def test_a_kill_is_owed_until_the_worker_reports_the_end() -> None:
    kill = the(CancelStep, CREATED, STARTED, CANCELLED)
    assert is_owed(job_after(CREATED, STARTED, CANCELLED), kill)
    assert not is_owed(job_after(CREATED, STARTED, CANCELLED, FINISHED), kill)


def test_a_kill_is_owed_after_the_engine_ended_the_attempt_itself() -> None:
    timed_out = TimerFired(at(50), TimerKind.STEP_TIMEOUT, "a", 1)
    assert is_owed(job_after(CREATED, STARTED, timed_out), the(CancelStep, CREATED, STARTED, timed_out))


def test_the_timer_of_a_step_is_owed_while_its_attempt_runs() -> None:
    timer = the(SetTimer, CREATED, STARTED)
    assert is_owed(job_after(CREATED, STARTED), timer)
    assert is_owed(job_after(CREATED, STARTED, CANCELLED), timer)
    assert not is_owed(job_after(CREATED, STARTED, FINISHED), timer)
    assert not is_owed(job_after(CREATED, STARTED, LOST), timer)


def test_the_timer_of_a_job_is_owed_until_the_job_ends() -> None:
    timer = the(SetTimer, CREATED)
    assert is_owed(job_after(CREATED, STARTED), timer)
    assert not is_owed(job_after(CREATED, STARTED, CANCELLED), timer)


def test_hooks_and_lines_are_owed_until_they_are_confirmed() -> None:
    decision = decide(job_after(CREATED, STARTED), FINISHED, Verbatim())
    assert len(decision.commands) == 2
    assert all(is_owed(decision.job, each) for each in decision.commands)
