"""Loops, beside what the scenarios tell: how wide, and what an event costs."""

from typing import Any

import pytest

from shared.engine.decide import decide
from shared.engine.draft import Draft
from shared.engine.events import JobCreated, StepFinished, StepRetryRequested
from shared.engine.flow import Loop
from shared.engine.job import Job
from shared.engine.loops import MOST_ITEMS, expand
from shared.engine.states import JobStatus, Outcome, StepStatus
from tests.support.jobs import Verbatim, after, at, job_of, step


def loop_of(count: int, **loop: Any) -> Job:
    return job_of(step("a", loop=Loop(tuple(range(count)), **loop)))


def finished(index: int, outcome: Outcome = Outcome.COMPLETED, attempt: int = 1) -> StepFinished:
    return StepFinished(at(1), f"a[{index}]", attempt, "w1", outcome, output=index)


def test_a_loop_has_as_many_instances_as_a_document_may_hold_and_no_more() -> None:
    widest = after(loop_of(MOST_ITEMS), JobCreated(at(0)))
    assert len(widest.steps) == MOST_ITEMS + 1
    too_wide = after(loop_of(MOST_ITEMS + 1), JobCreated(at(0)))
    assert too_wide.status is JobStatus.FAILED
    assert too_wide.steps["a"].error == "for_each has 1001 items, more than 1000"


@pytest.mark.parametrize("loop", [{}, {"is_sequential": True}, {"max_parallel": 3}])
def test_every_instance_of_the_widest_loop_has_its_turn(loop: dict[str, Any]) -> None:
    job = after(loop_of(MOST_ITEMS, **loop), JobCreated(at(0)), *(finished(index) for index in range(MOST_ITEMS)))
    assert job.status is JobStatus.COMPLETED
    assert job.steps["a"].output == list(range(MOST_ITEMS))
    assert job.output == {"a": list(range(MOST_ITEMS))}


class Watched(dict[str, Any]):
    """Steps that notice who is looked up."""

    def __init__(self, steps: Any) -> None:
        super().__init__(steps)
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return super().__getitem__(name)

    def __iter__(self) -> Any:
        raise AssertionError("an event must not look at every step")

    def items(self) -> Any:
        raise AssertionError("an event must not look at every step")


@pytest.mark.parametrize("outcome", [Outcome.COMPLETED, Outcome.FAILED])
def test_the_end_of_an_instance_costs_the_same_in_every_loop(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    job = after(loop_of(500, max_parallel=3), JobCreated(at(0)))
    watched: list[Watched] = []

    def watch(draft: Draft, *arguments: Any) -> None:
        original(draft, *arguments)
        draft.steps = Watched(draft.steps)
        watched.append(draft.steps)

    original = Draft.__init__
    monkeypatch.setattr(Draft, "__init__", watch)
    decision = decide(job, finished(1, outcome), Verbatim())
    assert [each.id for each in decision.commands if "run" in each.id] == ["job-1/a[3]/1/run"]
    assert watched[0].seen == {"a", "a[1]", "a[3]"}


def test_a_loop_that_runs_again_counts_on_the_attempts_of_its_instances() -> None:
    job = after(loop_of(2), JobCreated(at(0)), finished(0), finished(1, Outcome.FAILED))
    assert job.status is JobStatus.FAILED
    again = after(job, StepRetryRequested(at(2), "a"))
    assert again.steps["a[0]"].attempt == again.steps["a[1]"].attempt == 2
    assert again.open_steps == 3
    assert after(again, finished(0)).steps["a[0]"].status is StepStatus.READY, "a report about the first run is stale"
    done = after(again, finished(0, attempt=2), finished(1, attempt=2))
    assert done.status is JobStatus.COMPLETED
    assert done.steps["a"].output == [0, 1]


def test_a_step_without_a_loop_has_nothing_to_expand() -> None:
    draft = Draft(job_of(step("a")), at(0), Verbatim())
    expand(draft, "a")
    assert draft.steps["a"].status is StepStatus.SKIPPED
