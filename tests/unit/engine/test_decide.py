"""What holds of every decision, beside the rules that the scenarios tell."""

from copy import deepcopy

from shared.engine.commands import RunStep
from shared.engine.decide import decide
from shared.engine.events import JobCreated, StepFinished
from shared.engine.flow import Action
from shared.engine.states import JobStatus, Outcome
from tests.support.jobs import Verbatim, after, at, job_of, step


def test_the_job_that_was_passed_in_is_left_as_it_was() -> None:
    job = after(job_of(step("a"), step("b", "a")), JobCreated(at(0)))
    before = deepcopy(job)
    decide(job, StepFinished(at(1), "a", 1, "w1", Outcome.COMPLETED, output={"n": 1}), Verbatim())
    assert job == before


def test_a_command_carries_all_that_the_worker_needs() -> None:
    action = Action("greet", "script", "steps.python", runner="local", spec={"script": "print()"})
    decision = decide(job_of(step("a", action=action, input={"n": 1})), JobCreated(at(0)), Verbatim())
    assert decision.commands == (
        RunStep(
            "job-1/a/1/run", "a", 1, "steps.python", "greet", "script", "local", {"script": "print()"}, {"n": 1}, None
        ),
    )


def test_the_version_is_left_to_the_store() -> None:
    assert decide(job_of(step("a")), JobCreated(at(0)), Verbatim()).job.version == 0


def test_a_long_chain_of_skips_needs_no_deep_stack() -> None:
    chain = [step(f"s{index}", *([f"s{index - 1}"] if index else []), when="false") for index in range(5000)]
    job = after(job_of(*chain), JobCreated(at(0)))
    assert job.status is JobStatus.COMPLETED
    assert job.open_steps == 0
