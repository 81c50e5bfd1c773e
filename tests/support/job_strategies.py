"""Jobs, commands and JSON of every shape, for property tests."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from shared.engine.commands import (
    CancelChild,
    CancelStep,
    NotifyParent,
    RunStep,
    SetTimer,
    StartChild,
    StartHook,
    StartRetryJob,
    WriteServerLine,
)
from shared.engine.flow import Action, Flow, Hook, StepSpec
from shared.engine.job import Job, Step
from shared.engine.states import HookEvent, JobStatus, TimerKind
from shared.storage.codecs import to_millis

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


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Anything that a field of this type may hold."""
    if NoneType in get_args(hint):
        return st.none() | values(next(one for one in get_args(hint) if one is not NoneType))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=2).map(tuple)
    if get_origin(hint) is Mapping:
        return json_maps
    return {datetime: times, int: small, str: texts, bool: st.booleans()}.get(hint, json_values)


def fields_of(kind: type, *, apart: Collection[str] = ()) -> dict[str, st.SearchStrategy[Any]]:
    """Each field of a dataclass but those `apart`."""
    return {name: values(hint) for name, hint in get_type_hints(kind).items() if name not in apart}


steps = st.builds(Step, **fields_of(Step))


@st.composite
def _jobs(draw: st.DrawFn) -> Job:
    flow = draw(flows())
    rest = {name: draw(each) for name, each in fields_of(Job, apart={"id", "flow", "steps"}).items()}
    return Job(id=str(draw(st.uuids())), flow=flow, steps={name: draw(steps) for name in flow.steps}, **rest)


jobs = _jobs()
commands = st.one_of(
    st.builds(RunStep, names, names, small, names, names, names, names, json_maps, json_maps, st.none() | spans),
    st.builds(CancelStep, names, names, small, st.none() | names),
    st.builds(SetTimer, names, st.sampled_from(TimerKind), times, st.none() | names, small),
    st.builds(StartHook, names, names, st.sampled_from(HookEvent), small, hooks, json_maps),
    st.builds(WriteServerLine, names, small, times, texts),
    st.builds(StartChild, names, names, names, small, names, json_maps),
    st.builds(CancelChild, names, names),
    st.builds(
        NotifyParent, names, names, names, small, names, st.sampled_from(JobStatus), json_values, st.none() | texts
    ),
    st.builds(StartRetryJob, names, names, names, small, small, times),
)


def cut(job: Job) -> Job:
    """The job with its times cut to the millisecond."""
    cut_job: Job = _cut(replace(job, steps={name: _cut(step) for name, step in job.steps.items()}))
    return cut_job


_TIMES = ("created_at", "ready_at", "started_at", "finished_at", "retry_at", "suspended_at", "starts_at")


def _cut(thing: Any) -> Any:
    times = {name: to_millis(value) for name in _TIMES if (value := getattr(thing, name, None)) is not None}
    return replace(thing, **times)
