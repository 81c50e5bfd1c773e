"""How a job ends depends on what its steps report, not on the order of the reports; a plain fold tells the same."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.definition.templates import JinjaRenderer
from shared.engine.decide import decide
from shared.engine.events import JobCreated, StepFinished, StepStarted
from shared.engine.job import Job
from shared.engine.states import Outcome, StepStatus
from tests.property.flows import BROKEN, UNTRUE, jobs
from tests.support.jobs import at

RENDERER = JinjaRenderer()
ENDS = {
    Outcome.COMPLETED: StepStatus.COMPLETED,
    Outcome.FAILED: StepStatus.FAILED,
    Outcome.TIMED_OUT: StepStatus.FAILED,
    Outcome.CANCELLED: StepStatus.CANCELLED,
}
OUTCOMES = st.lists(st.sampled_from(Outcome), min_size=7, max_size=7)


def play(job: Job, outcomes: list[Outcome], random: Random) -> Job:
    """Let the ready steps report one by one, each with its own outcome, in a random order."""
    job = decide(job, JobCreated(at(0)), RENDERER).job
    while ready := [name for name, step in job.steps.items() if step.status is StepStatus.READY]:
        name = random.choice(ready)
        outcome = outcomes[int(name.removeprefix("s-"))]
        if random.random() < 0.5:
            job = decide(job, StepStarted(at(1), name, 1, "w1"), RENDERER).job
        job = decide(job, StepFinished(at(2), name, 1, "w1", outcome, output=name), RENDERER).job
    return job


def fold(job: Job, outcomes: list[Outcome]) -> dict[str, StepStatus]:
    """The rules of readiness once more, told in one pass over a flow whose steps stand after their dependencies."""
    ends: dict[str, StepStatus] = {}
    for spec, outcome in zip(job.flow.steps.values(), outcomes, strict=False):
        before = {ends[name] for name in spec.depends_on}
        is_barred = before & {StepStatus.FAILED, StepStatus.CANCELLED} or before == {StepStatus.SKIPPED}
        if (is_barred and not spec.continue_on_failure) or spec.when == UNTRUE:
            ends[spec.name] = StepStatus.SKIPPED
        elif BROKEN in (spec.when, *spec.input.values()):
            ends[spec.name] = StepStatus.FAILED
        else:
            ends[spec.name] = ENDS[outcome]
    return ends


@given(job=jobs(), outcomes=OUTCOMES, one=st.randoms(), other=st.randoms())
@settings(max_examples=200, deadline=None)
def test_the_order_of_independent_reports_does_not_matter(
    job: Job, outcomes: list[Outcome], one: Random, other: Random
) -> None:
    first, second = play(job, outcomes, one), play(job, outcomes, other)
    assert {name: step.status for name, step in first.steps.items()} == fold(job, outcomes)
    assert first.status.is_terminal
    assert first.status is second.status
    assert first.output == second.output
    for name, step in first.steps.items():
        assert (step.status, step.output) == (second.steps[name].status, second.steps[name].output)
