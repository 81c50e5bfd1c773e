"""Jobs, commands and JSON of every shape, for property tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from shared.engine.commands import CancelStep, RunStep, SetTimer, StartHook, WriteServerLine
from shared.engine.flow import Action, Flow, Hook, StepSpec
from shared.engine.job import Job, Step
from shared.engine.states import HookEvent, JobStatus, StepStatus, TimerKind
from shared.storage.documents import to_millis

texts = st.text(max_size=20)
names = st.text(st.sampled_from("ab.$%_- é\x00😀") | st.characters(codec="utf-8"), max_size=6)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
json_maps = st.dictionaries(names, json_values, max_size=3)
times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone follows
spans = st.timedeltas(timedelta(), timedelta(days=400))
small = st.integers(0, 2**31)
actions = st.builds(Action, names, names, names, names, spec=json_maps, input=json_maps)
hooks = st.builds(Hook, actions, json_maps)


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Steps that depend on earlier ones."""
    steps: dict[str, StepSpec] = {}
    for name in draw(st.lists(names, unique=True, max_size=4)):
        depends_on = tuple(draw(st.lists(st.sampled_from(sorted(steps)), unique=True))) if steps else ()
        timeout, when = draw(st.none() | spans), draw(st.none() | texts)
        steps[name] = StepSpec(name, draw(actions), depends_on, draw(json_maps), when, draw(st.booleans()), timeout)
    return Flow(steps, draw(st.none() | spans), tuple(draw(st.lists(hooks, max_size=2))))


steps = st.builds(
    Step,
    status=st.sampled_from(StepStatus),
    attempt=small,
    lost_attempts=small,
    worker_id=st.none() | texts,
    input=st.none() | json_maps,
    output=json_values,
    error=st.none() | texts,
    exit_code=st.none() | st.integers(-255, 255),
    ready_at=st.none() | times,
    started_at=st.none() | times,
    finished_at=st.none() | times,
    log_lines=st.dictionaries(st.integers(1, 9).map(str), small, max_size=2),
)


@st.composite
def _jobs(draw: st.DrawFn) -> Job:
    flow = draw(flows())
    return Job(
        id=str(draw(st.uuids())),
        workspace=draw(texts),
        task=draw(texts),
        revision=draw(texts),
        flow=flow,
        input=draw(json_maps),
        raw_input=draw(json_maps),
        source_type=draw(texts),
        created_at=draw(times),
        status=draw(st.sampled_from(JobStatus)),
        steps={name: draw(steps) for name in flow.steps},
        open_steps=draw(small),
        output=draw(json_values),
        server_lines=draw(small),
        are_hooks_fired=draw(st.booleans()),
        warnings=tuple(draw(st.lists(texts, max_size=2))),
        version=draw(small),
        source_id=draw(st.none() | texts),
        reason=draw(st.none() | texts),
        started_at=draw(st.none() | times),
        finished_at=draw(st.none() | times),
    )


jobs = _jobs()
commands = st.one_of(
    st.builds(RunStep, names, names, small, names, names, names, names, json_maps, json_maps, st.none() | spans),
    st.builds(CancelStep, names, names, small, st.none() | names),
    st.builds(SetTimer, names, st.sampled_from(TimerKind), times, st.none() | names, small),
    st.builds(StartHook, names, names, st.sampled_from(HookEvent), small, hooks, json_maps),
    st.builds(WriteServerLine, names, small, times, texts),
)


def cut(job: Job) -> Job:
    """The job with its times cut to the millisecond."""
    cut_job: Job = _cut(replace(job, steps={name: _cut(step) for name, step in job.steps.items()}))
    return cut_job


def _cut(thing: Any) -> Any:
    times = {
        name: to_millis(value)
        for name in ("created_at", "ready_at", "started_at", "finished_at")
        if (value := getattr(thing, name, None)) is not None
    }
    return replace(thing, **times)
