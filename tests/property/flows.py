"""Random flows: any graph without cycles, tolerant steps, conditions, templates that fail, timeouts, hooks.

Rich ones have also retries, loops, sub-jobs, steps that wait for something outside, and a limit on steps at once.
"""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from shared.engine.flow import Action, Backoff, Hook, Loop, Retry, StepSpec
from shared.engine.job import Job
from tests.support.jobs import SCRIPT, job_of, step

UNTRUE = "{{ 0 }}"
BROKEN = "{{ nobody.output }}"
CONDITIONS: st.SearchStrategy[str | None] = st.sampled_from([None] * 6 + ["true", UNTRUE, BROKEN])
INPUTS: st.SearchStrategy[dict[str, str]] = st.sampled_from([{}] * 8 + [{"x": BROKEN}])
TIMEOUTS = st.sampled_from([None, timedelta(seconds=30)])
HOOKS = st.sampled_from([(), (Hook(SCRIPT),), (Hook(SCRIPT, {"x": BROKEN}), Hook(SCRIPT))])
ACTIONS = st.sampled_from(
    [SCRIPT] * 4
    + [
        Action("call", "task", "", spec={"task": "child"}),
        Action("ask", "approval", "", spec={"message": "Go?"}),
        Action("rest", "sleep", "", spec={"duration": 5}),
        Action("listen", "wait_for_event", "", spec={"event_key": "news"}),
    ]
)
RETRIES = st.none() | st.builds(
    Retry, st.integers(0, 2), st.just(timedelta(seconds=5)), st.sampled_from(Backoff), has_jitter=st.booleans()
)
ITEMS = st.sampled_from(["[1, 2]", "[]", "nothing", BROKEN]) | st.lists(st.integers(), max_size=3).map(tuple)
LOOPS = st.none() | st.builds(Loop, ITEMS, st.booleans(), st.none() | st.integers(1, 2))


@st.composite
def steps(draw: st.DrawFn, index: int, *, is_rich: bool) -> StepSpec:
    """A step that may depend on any before it."""
    earlier = [f"s-{each}" for each in range(index)]
    return step(
        f"s-{index}",
        *(draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []),
        continue_on_failure=draw(st.booleans()),
        when=draw(CONDITIONS),
        input=draw(INPUTS),
        timeout=draw(TIMEOUTS),
        **({"action": draw(ACTIONS), "retry": draw(RETRIES), "loop": draw(LOOPS)} if is_rich else {}),
    )


@st.composite
def jobs(draw: st.DrawFn, *, is_rich: bool = False) -> Job:
    """A job that nothing has happened to."""
    found = [draw(steps(index, is_rich=is_rich)) for index in range(draw(st.integers(0, 7)))]
    more: dict[str, Any] = {}
    if is_rich:
        more = {"max_parallel_steps": draw(st.none() | st.integers(1, 3)), "retry": draw(RETRIES)}
        more |= {"on_cancel": draw(HOOKS), "on_suspended": draw(HOOKS)}
    return job_of(*found, timeout=draw(TIMEOUTS), on_success=draw(HOOKS), on_error=draw(HOOKS), **more)
