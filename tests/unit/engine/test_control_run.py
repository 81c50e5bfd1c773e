"""A whole job retried as a new one: what is done stays done."""

import pytest

from shared.engine.control_run import refuse_retry, retry_job
from shared.engine.decide import decide
from shared.engine.events import JobCancelRequested, JobCreated, StepFinished, StepStarted
from shared.engine.flow import Flow, Hook, Retry
from shared.engine.job import Job
from shared.engine.states import JobStatus, Outcome, StepStatus
from tests.support.jobs import SCRIPT, Verbatim, after, at, job_of, step

CREATED = JobCreated(at(0))


def ends(name: str, outcome: Outcome = Outcome.COMPLETED, *, attempt: int = 1) -> StepFinished:
    return StepFinished(at(2), name, attempt, "w1", outcome, output={"of": name})


def failed_job() -> Job:
    """`a` completed, `b` failed, `c` was skipped for it."""
    job = job_of(step("a"), step("b", "a"), step("c", "b"), input_={"n": 1})
    return after(job, CREATED, ends("a"), ends("b", Outcome.FAILED))


def retried(job: Job) -> Job:
    return retry_job(job, id="job-2", created_at=at(60))


def test_completed_steps_are_taken_over_and_the_others_begin_anew() -> None:
    new = retried(failed_job())
    assert (new.id, new.retry_of_job_id, new.source_type, new.source_id) == ("job-2", "job-1", "retry", "job-1")
    assert (new.status, new.input, new.open_steps) == (JobStatus.PENDING, {"n": 1}, 2)
    assert (new.steps["a"].status, new.steps["a"].output) == (StepStatus.COMPLETED, {"of": "a"})
    assert {new.steps[name].status for name in "bc"} == {StepStatus.PENDING}


def test_the_first_failed_step_starts_at_once_and_the_job_goes_on_from_there() -> None:
    job = after(retried(failed_job()), JobCreated(at(60)))
    assert {name: each.status for name, each in job.steps.items()} == {
        "a": StepStatus.COMPLETED,
        "b": StepStatus.READY,
        "c": StepStatus.PENDING,
    }
    job = after(job, ends("b"), ends("c"))
    assert (job.status, job.output) == (JobStatus.COMPLETED, {"c": {"of": "c"}})


def test_it_is_created_once() -> None:
    job = after(retried(failed_job()), JobCreated(at(60)))
    assert decide(job, JobCreated(at(60)), Verbatim()).ignored


def test_a_completed_job_retried_has_nothing_left_to_do() -> None:
    done = after(job_of(step("a"), step("b", "a")), CREATED, ends("a"), ends("b"))
    job = after(retried(done), JobCreated(at(60)))
    assert (job.status, job.output) == (JobStatus.COMPLETED, {"b": {"of": "b"}})
    assert decide(job, JobCreated(at(60)), Verbatim()).ignored


def test_the_work_of_a_hook_starts_no_hooks_when_it_is_retried() -> None:
    hooked = job_of(step("a"), on_success=(Hook(SCRIPT),), on_error=(Hook(SCRIPT),), retry=Retry(max_attempts=2))
    assert retried(hooked).flow.on_error
    of_hook = Job(**{**{name: getattr(hooked, name) for name in hooked.__dataclass_fields__}, "source_type": "hook"})
    flow: Flow = retried(of_hook).flow
    assert (flow.on_success, flow.on_error) == ((), ())


def test_a_job_that_has_steps_no_more_is_run_from_its_start() -> None:
    job = failed_job()
    bare = Job(**{**{name: getattr(job, name) for name in job.__dataclass_fields__}, "steps": {}})
    assert retried(bare).open_steps == 3


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (after(job_of(step("a")), CREATED), "Job is pending; only a job that has ended can be retried"),
        (
            after(job_of(step("a")), CREATED, StepStarted(at(1), "a", 1, "w1")),
            "Job is running; only a job that has ended can be retried",
        ),
        (
            after(job_of(step("a")), CREATED, StepStarted(at(1), "a", 1, "w1"), JobCancelRequested(at(2))),
            "Job is cancelled and its running steps have not ended yet",
        ),
        (failed_job(), None),
    ],
)
def test_only_a_job_that_has_ended_can_be_retried(job: Job, told: str | None) -> None:
    assert refuse_retry(job) == told
