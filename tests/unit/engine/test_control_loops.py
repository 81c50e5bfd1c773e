"""Steering loops: their iterations, and the loop as a whole."""

from datetime import timedelta

from shared.engine.decide import decide
from shared.engine.decision import Decision
from shared.engine.events import (
    ApprovalDecided,
    Event,
    JobCancelRequested,
    JobCreated,
    JobPauseRequested,
    JobResumeRequested,
    StepFinished,
    StepRetryRequested,
    StepSkipRequested,
    StepStarted,
    SubtreeReplayRequested,
    TimerFired,
)
from shared.engine.flow import Action, Loop, Retry
from shared.engine.job import Job
from shared.engine.states import JobStatus, Outcome, StepStatus, TimerKind
from tests.support.jobs import Verbatim, after, at, job_of, step

CREATED = JobCreated(at(0))
ASK = Action("ask", "approval", "", spec={"message": "Go?"})


def ends(name: str, outcome: Outcome = Outcome.COMPLETED, *, attempt: int = 1) -> StepFinished:
    return StepFinished(at(2), name, attempt, "w1", outcome, output=f"{name} {attempt}")


def now(job: Job, event: Event) -> Decision:
    return decide(job, event, Verbatim())


def looped(*items: int, **loop: object) -> Job:
    return job_of(step("each", loop=Loop(items, **loop)), step("last", "each"))  # type: ignore[arg-type]


def test_a_loop_runs_again_as_a_whole_and_its_attempts_go_on_counting() -> None:
    job = after(looped(1, 2), CREATED, ends("each[0]"), ends("each[1]", Outcome.FAILED))
    assert job.status is JobStatus.FAILED
    job = after(job, StepRetryRequested(at(5), "each"))
    assert (job.status, job.steps["last"].status) == (JobStatus.RUNNING, StepStatus.PENDING)
    assert [job.steps[f"each[{index}]"].attempt for index in (0, 1)] == [2, 2]
    assert now(job, ends("each[1]")).ignored, "a late report about the first run"
    job = after(job, ends("each[0]", attempt=2), ends("each[1]", attempt=2), ends("last"))
    assert job.status is JobStatus.COMPLETED
    assert job.steps["each"].output == ["each[0] 2", "each[1] 2"]


def test_a_loop_is_replayed_with_what_comes_before_it() -> None:
    loop = step("each", "list", loop=Loop((1, 2)))
    job = after(job_of(step("list"), loop), CREATED, ends("list"), ends("each[0]"), ends("each[1]"))
    job = after(job, SubtreeReplayRequested(at(5), "list"))
    assert job.open_steps == 2
    job = after(job, ends("list", attempt=2), ends("each[0]", attempt=2))
    assert job.status is JobStatus.RUNNING
    assert after(job, ends("each[1]", attempt=2)).status is JobStatus.COMPLETED


def test_one_iteration_can_not_be_retried() -> None:
    job = after(looped(1, 2), CREATED, ends("each[0]"), ends("each[1]", Outcome.FAILED))
    told = now(job, StepRetryRequested(at(5), "each[1]")).refused
    assert told == "Step 'each[1]' is an iteration of 'each'; only the loop as a whole can be retried"


def test_an_iteration_whose_turn_has_not_come_can_not_be_skipped() -> None:
    job = after(looped(1, 2, is_sequential=True), CREATED)
    told = now(job, StepSkipRequested(at(1), "each[1]")).refused
    assert told == "Step 'each[1]' is an iteration whose turn has not come; it can't be skipped yet"


def test_an_iteration_that_waits_for_somebody_is_skipped_and_the_loop_goes_on() -> None:
    job = job_of(step("each", action=ASK, loop=Loop((1, 2), is_sequential=True)))
    job = after(job, CREATED, StepSkipRequested(at(1), "each[0]"))
    assert job.steps["each[1]"].status is StepStatus.SUSPENDED
    job = after(job, ApprovalDecided(at(2), "each[1]", is_approved=True))
    assert (job.status, job.steps["each"].status) == (JobStatus.COMPLETED, StepStatus.COMPLETED)


def test_iterations_are_held_while_the_job_is_paused() -> None:
    job = after(looped(1, 2, 3, is_sequential=True), CREATED, StepStarted(at(1), "each[0]", 1, "w1"))
    job = after(job, JobPauseRequested(at(2)), ends("each[0]"))
    assert job.steps["each[1]"].status is StepStatus.PENDING
    job = after(job, JobResumeRequested(at(3)))
    assert job.steps["each[1]"].status is StepStatus.READY


def test_a_retry_that_is_due_while_the_job_is_paused_waits() -> None:
    job = job_of(step("a", retry=Retry(delay=timedelta(seconds=5))), step("b"))
    job = after(job, CREATED, StepStarted(at(1), "b", 1, "w1"), ends("a", Outcome.FAILED), JobPauseRequested(at(3)))
    job = after(job, TimerFired(at(9), TimerKind.RETRY, "a", 1))
    assert job.steps["a"].status is StepStatus.PENDING
    assert after(job, JobResumeRequested(at(10))).steps["a"].attempt == 2


def test_a_step_is_not_retried_while_a_dependent_waits_for_its_own_retry() -> None:
    job = job_of(step("a"), step("b", "a", retry=Retry(delay=timedelta(seconds=5))))
    job = after(job, CREATED, StepStarted(at(1), "a", 1, "w1"), ends("a"), ends("b", Outcome.FAILED))
    assert now(job, StepRetryRequested(at(4), "a")).refused == "Step 'b' depends on 'a' and is pending"


def test_a_loop_that_was_cancelled_with_its_job_runs_again() -> None:
    job = after(looped(1, 2), CREATED, JobCancelRequested(at(1)))
    assert job.status is JobStatus.CANCELLED
    job = after(job, StepRetryRequested(at(5), "each"), ends("each[0]", attempt=2), ends("each[1]", attempt=2))
    assert after(job, ends("last")).status is JobStatus.COMPLETED
