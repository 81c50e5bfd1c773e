"""Random flows: any graph without cycles, tolerant steps, conditions, templates that fail, timeouts, hooks."""

from datetime import timedelta

from hypothesis import strategies as st

from shared.engine.flow import Hook, StepSpec
from shared.engine.job import Job
from tests.support.jobs import SCRIPT, job_of, step

UNTRUE = "{{ 0 }}"
BROKEN = "{{ nobody.output }}"
CONDITIONS: st.SearchStrategy[str | None] = st.sampled_from([None] * 6 + ["true", UNTRUE, BROKEN])
INPUTS: st.SearchStrategy[dict[str, str]] = st.sampled_from([{}] * 8 + [{"x": BROKEN}])
TIMEOUTS = st.sampled_from([None, timedelta(seconds=30)])
HOOKS = st.sampled_from([(), (Hook(SCRIPT),), (Hook(SCRIPT, {"x": BROKEN}), Hook(SCRIPT))])


@st.composite
def steps(draw: st.DrawFn, index: int) -> StepSpec:
    """A step that may depend on any before it."""
    earlier = [f"s-{each}" for each in range(index)]
    return step(
        f"s-{index}",
        *(draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []),
        continue_on_failure=draw(st.booleans()),
        when=draw(CONDITIONS),
        input=draw(INPUTS),
        timeout=draw(TIMEOUTS),
    )


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    """A job that nothing has happened to."""
    found = [draw(steps(index)) for index in range(draw(st.integers(0, 7)))]
    return job_of(*found, timeout=draw(TIMEOUTS), on_success=draw(HOOKS), on_error=draw(HOOKS))
