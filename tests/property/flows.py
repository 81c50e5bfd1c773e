"""Random flows: any graph without cycles, tolerant steps, conditions, templates that fail, timeouts, hooks."""

from datetime import timedelta

from hypothesis import strategies as st

from shared.engine.flow import Hook, StepSpec
from shared.engine.job import Job
from tests.support.jobs import SCRIPT, job_of, step

BROKEN = "{{ nobody.output }}"
CONDITIONS = st.sampled_from([None, None, None, "true", "{{ 0 }}", BROKEN])
INPUTS = st.sampled_from([{}, {}, {}, {"x": BROKEN}])
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
