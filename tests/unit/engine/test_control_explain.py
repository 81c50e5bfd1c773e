"""Why a job waits: every open step has a reason, and the reason names what it is about."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.engine.events import (
    Event,
    JobCancelRequested,
    JobCreated,
    JobPauseRequested,
    StepFinished,
    StepStarted,
)
from shared.engine.explain import Facts, Wait, WaitKind, WorkerFact, explain_job, queued_routes
from shared.engine.flow import Action, Loop, Retry, StepSpec
from shared.engine.job import Job
from shared.engine.states import Outcome
from tests.support.jobs import after, at, job_of, step

CREATED = JobCreated(at(0))
GPU = Action("train", "script", "script+gpu")


def starts(name: str) -> StepStarted:
    return StepStarted(at(1), name, 1, "w1")


def ends(name: str, outcome: Outcome = Outcome.COMPLETED) -> StepFinished:
    return StepFinished(at(2), name, 1, "w1", outcome)


def waits(job: Job, name: str, facts: Facts = Facts()) -> Sequence[Wait]:  # noqa: B008 - frozen
    return explain_job(job, facts).steps[name]


def one(job: Job, name: str, facts: Facts = Facts()) -> Wait:  # noqa: B008 - frozen
    (found,) = waits(job, name, facts)
    return found


def after_start(*steps: StepSpec, events: Sequence[Event] = (), **flow: Any) -> Job:
    return after(job_of(*steps, **flow), CREATED, *events)


def test_a_step_waits_for_each_dependency_that_is_open() -> None:
    job = after_start(step("a"), step("b"), step("c", "a", "b"), events=[starts("a"), ends("b")])
    assert one(job, "c") == Wait(WaitKind.DEPENDENCY, "Dependency 'a' is running", ("a",))
    assert explain_job(job, Facts()).job == Wait(
        WaitKind.STEPS, "The job waits for 'a' (running), 'c' (pending)", ("a", "c"), since=at(1)
    )


def test_a_job_that_has_ended_waits_for_nothing() -> None:
    found = explain_job(after_start(step("a"), events=[ends("a")]), Facts())
    assert found.job is None
    assert not found.steps


def test_a_new_job_is_about_to_be_decided() -> None:
    job = job_of(step("a"))
    assert one(job, "a").kind is WaitKind.DECISION
    found = explain_job(job_of(), Facts()).job
    assert found is not None
    assert found.kind is WaitKind.DECISION


def test_many_steps_are_counted_rather_than_named() -> None:
    found = explain_job(after_start(*(step(f"s{index}") for index in range(7))), Facts()).job
    assert found is not None
    assert found.sentence.endswith("'s4' (ready) and 2 more")


def test_a_queued_step_without_a_worker_says_since_when() -> None:
    job = after_start(step("a", action=GPU))
    assert queued_routes(job) == {"script+gpu"}
    never = one(job, "a")
    assert never == Wait(
        WaitKind.WORKER, "No live worker for route 'script+gpu' and none was ever seen", ("script+gpu",)
    )
    gone = WorkerFact("w1", ("script",), ("gpu",), is_live=False, heard_at=at(-60))
    unable = WorkerFact("w2", ("script",))
    found = one(job, "a", Facts([gone, unable]))
    assert found.kind is WaitKind.WORKER
    assert found.since == at(-60)
    assert found.sentence == f"No live worker for route 'script+gpu' since {at(-60).isoformat()}"


def test_a_queued_step_says_what_it_is_queued_behind() -> None:
    job = after_start(step("a", action=GPU))
    workers = [WorkerFact("w1", ("script",), ("gpu",), slots=4, busy=4), WorkerFact("w2", ("script",), ("gpu", "eu"))]
    found = one(job, "a", Facts(workers, {"script+gpu": 3}))
    told = "Queued for route 'script+gpu' behind at most 2 others; 4 of 5 slots of its live workers are busy"
    assert found == Wait(WaitKind.QUEUE, told, ("script+gpu",), since=at(0))
    assert "behind" not in one(job, "a", Facts(workers)).sentence


def test_an_exclusive_worker_counts_only_for_routes_with_all_its_tags() -> None:
    exclusive = WorkerFact("w1", ("script",), ("gpu", "eu"), is_exclusive=True)
    assert not exclusive.covers("script+gpu")
    assert exclusive.covers("script+eu+gpu")
    assert not exclusive.covers("function+eu+gpu")


def test_a_running_step_names_its_worker_and_its_time_out() -> None:
    job = after_start(step("a", timeout=timedelta(seconds=30)), step("b"), events=[starts("a"), starts("b")])
    assert one(job, "a") == Wait(WaitKind.RUN, "Worker w1 runs attempt 1", ("w1",), at(1), at(31))
    assert one(job, "b").until is None


def test_a_cancelled_job_waits_for_its_workers() -> None:
    job = after_start(step("a"), events=[starts("a"), JobCancelRequested(at(2))])
    assert one(job, "a") == Wait(WaitKind.KILL, "Worker w1 has to end it", ("w1",), at(1))
    found = explain_job(job, Facts()).job
    assert found is not None
    assert found.sentence == "The job is cancelled; its workers still have to end 'a' (running)"


def test_a_paused_job_says_who_paused_it() -> None:
    job = after_start(step("a"), step("b"), events=[starts("a"), JobPauseRequested(at(2), "ada")])
    assert one(job, "b") == Wait(WaitKind.PAUSE, "The job is paused by ada")
    found = explain_job(job, Facts()).job
    assert found is not None
    assert found.sentence == "The job is paused by ada: nothing starts until it is resumed"


def test_a_step_that_waits_for_its_retry_says_when() -> None:
    job = after_start(step("a", retry=Retry(delay=timedelta(seconds=5))), events=[ends("a", Outcome.FAILED)])
    found = one(job, "a")
    assert (found.kind, found.until) == (WaitKind.RETRY, at(7))
    assert found.sentence == f"Retry 1 is due at {at(7).isoformat()}"


def test_a_step_without_room_names_those_that_take_it() -> None:
    job = after_start(step("a"), step("b"), max_parallel_steps=1)
    assert one(job, "b") == Wait(WaitKind.PARALLEL_LIMIT, "The job runs 1 steps at a time: a", ("a",))


@pytest.mark.parametrize("loop", [Loop((1, 2), is_sequential=True), Loop((1, 2), max_parallel=1)])
def test_an_iteration_waits_for_its_turn(loop: Loop) -> None:
    job = after_start(step("each", loop=loop))
    assert one(job, "each[1]") == Wait(WaitKind.LOOP_LIMIT, "The loop runs 1 at a time: each[0]", ("each[0]",))
    assert one(job, "each").sentence == "Its iterations have not all ended"


def test_an_iteration_may_wait_for_room_in_the_job() -> None:
    job = after_start(step("a"), step("each", loop=Loop((1,))), max_parallel_steps=1)
    assert one(job, "each[0]").kind is WaitKind.PARALLEL_LIMIT


def test_a_sub_job_is_named() -> None:
    job = after_start(step("a", action=Action("sub", "task", "", spec={"task": "other"})))
    child = job.steps["a"].child_job_id
    assert child is not None
    assert one(job, "a") == Wait(WaitKind.CHILD, f"Job {child} has not ended", (child,), at(0))


@pytest.mark.parametrize(
    ("kind", "spec", "told"),
    [
        ("approval", {"message": "Go?", "approvers": ["ada", "eve"]}, "Approval by ada or eve"),
        ("approval", {"message": "Go?"}, "Approval by anyone"),
        ("sleep", {"duration": 60}, "Sleeps until its timer fires"),
        ("wait_for_event", {"event_key": "paid"}, "Event 'paid'"),
    ],
)
def test_a_suspended_step_says_what_would_wake_it(kind: str, spec: dict[str, object], told: str) -> None:
    job = after_start(step("a", action=Action("wait", kind, "", spec=spec), timeout=timedelta(seconds=90)))
    found = one(job, "a")
    assert (found.sentence, found.since) == (told, at(0))
    assert found.until == (None if kind == "sleep" else at(90))
