"""Commands in the outbox: owed until they are overtaken."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from shared.engine.commands import CancelChild, CancelStep, Command, RunStep, SetTimer, StartChild
from shared.engine.decide import decide
from shared.engine.events import (
    ChildFinished,
    Event,
    JobCancelRequested,
    JobCreated,
    StepFinished,
    StepLost,
    StepStarted,
    TimerFired,
)
from shared.engine.flow import Action, Hook, Retry
from shared.engine.job import Job
from shared.engine.owed import is_owed
from shared.engine.states import JobStatus, Outcome, TimerKind
from tests.support.jobs import SCRIPT, Verbatim, after, at, job_of, step

Kind = TypeVar("Kind")
TASK = Action("call", "task", "", spec={"task": "child"})
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


def test_a_child_job_is_owed_while_its_attempt_runs_and_its_cancellation_until_it_is_confirmed() -> None:
    job = job_of(step("a", action=TASK))
    start = only(StartChild, decide(job, CREATED, Verbatim()).commands)
    begun = after(job, CREATED)
    assert is_owed(begun, start)
    cancelled = decide(begun, CANCELLED, Verbatim())
    assert is_owed(cancelled.job, start), "the child must be there to be cancelled"
    assert is_owed(cancelled.job, only(CancelChild, cancelled.commands))
    child = begun.steps["a"].child_job_id or ""
    assert not is_owed(after(begun, ChildFinished(at(2), "a", 1, child, JobStatus.COMPLETED)), start)


def test_the_timer_of_a_retry_is_owed_until_the_next_attempt() -> None:
    job = job_of(step("a", retry=Retry()))
    failed = StepFinished(at(2), "a", 1, "w1", Outcome.FAILED)
    decision = decide(after(job, CREATED), failed, Verbatim())
    timer = only(SetTimer, decision.commands)
    assert is_owed(decision.job, timer)
    again = after(decision.job, TimerFired(at(40), TimerKind.RETRY, "a", 1))
    assert not is_owed(again, timer)


def only(kind: type[Kind], commands: Sequence[Command]) -> Kind:
    """The one command of that kind."""
    (found,) = [each for each in commands if isinstance(each, kind)]
    return found


def test_hooks_and_lines_are_owed_until_they_are_confirmed() -> None:
    decision = decide(job_after(CREATED, STARTED), FINISHED, Verbatim())
    assert len(decision.commands) == 2
    assert all(is_owed(decision.job, each) for each in decision.commands)
