"""What templates see, and that nothing is looked up that they do not ask for."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.definition.templates import JinjaRenderer
from shared.engine.decision import RenderFailed
from shared.engine.draft import Draft
from shared.engine.states import StepStatus
from shared.engine.visibility import Visible, seen_by_condition, seen_by_worker
from tests.support.jobs import Verbatim, at, job_of, step


@pytest.fixture
def draft() -> Draft:
    """A job with a step in every state, named after the state."""
    draft = Draft(job_of(*(step(status.value) for status in StepStatus), step("input")), at(0), Verbatim())
    for status in StepStatus:
        draft.steps[status.value] = replace(draft.steps[status.value], status=status, output=1, error="e")
    draft.steps["input"] = draft.steps["completed"]
    return draft


def test_a_worker_sees_the_input_and_completed_steps(draft: Draft) -> None:
    seen = Visible(draft, {"x": 1}, seen_by_worker)
    assert dict(seen) == {"input": {"x": 1}, "completed": {"output": 1}}
    assert len(seen) == 2


def test_a_condition_sees_every_step_that_has_ended(draft: Draft) -> None:
    assert dict(Visible(draft, {}, seen_by_condition)) == {
        "input": {},
        "completed": {"output": 1},
        "skipped": {"output": 1},
        "failed": {"output": None, "error": "e"},
        "cancelled": {"output": None, "error": "e"},
    }


def test_what_is_not_in_sight_is_as_if_it_were_not_there(draft: Draft) -> None:
    seen = Visible(draft, {}, seen_by_worker)
    assert "running" not in seen
    assert "nobody" not in seen


def test_a_step_really_called_so_comes_before_one_with_hyphens() -> None:
    flow = job_of(step("say_hi"), step("say-hi"), step("say-no")).flow
    assert flow.variables["say_hi"] == "say_hi"
    assert flow.variables["say_no"] == "say-no"


class LookedUp(Visible):
    """Refuses to be copied as a whole."""

    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a template asks for what it names, not for everything")


def test_rendering_looks_up_only_what_the_template_names(draft: Draft) -> None:
    seen = LookedUp(draft, {"x": "X"}, seen_by_worker)
    renderer = JinjaRenderer()
    assert renderer.render("{{ completed.output }} {{ input.x }}", seen) == "1 X"
    assert renderer.render_deep({"a": ["{{ input.x }}"]}, seen) == {"a": ["X"]}
    assert renderer.is_true("{{ completed.output == 1 }}", seen)
    with pytest.raises(RenderFailed, match=re.escape("undefined variable 'running.output'")):
        renderer.render("{{ running.output }}", seen)
