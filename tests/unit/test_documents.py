"""Jobs as documents: nothing is lost, nothing of a user's meets a rule of the database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.engine.commands import CancelStep, Command, RunStep, SetTimer, StartHook, WriteServerLine
from shared.engine.flow import Action, Flow, Hook, StepSpec
from shared.engine.job import Job, Step
from shared.engine.states import HookEvent, JobStatus, StepStatus, TimerKind
from shared.errors import Rejected
from shared.storage.codecs import to_millis
from shared.storage.documents import (
    decode_command,
    decode_flow,
    decode_job,
    encode_command,
    encode_flow,
    encode_job,
    find_changes,
)
from shared.storage.json_text import dump_json, load_json
from shared.storage.look_ups import OWING
from shared.storage.records import JobSave, StoredJob
from shared.storage.step_keys import decode_key, encode_key
from tests.support.job_strategies import commands, cut, jobs, json_values
from tests.support.storages import NOON, a_command, a_job, running

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@PATIENT
@given(json_values)
def test_json_comes_back_as_it_went_in(value: Any) -> None:
    back = load_json(dump_json(value))
    assert back == value
    assert repr(back) == repr(value)


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**40, 1.0, 1e300, -0.0])
def test_numbers_keep_every_digit_and_their_type(number: float) -> None:
    assert repr(load_json(dump_json({"n": [number]}))) == repr({"n": [number]})


def test_json_as_deep_as_no_document_may_be_comes_back() -> None:
    value: Any = None
    for _ in range(200):
        value = {"$a.b": [value]}
    assert load_json(dump_json(value)) == value


@pytest.mark.parametrize("value", [object(), {1, 2}, NOON, a_job(), {"a": b"bytes"}])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(Rejected, match="JSON"):
        dump_json({"deep": [value]})


def test_half_a_surrogate_pair_is_kept_as_json() -> None:
    assert load_json(dump_json(["\ud800", 2**70])) == ["\ud800", 2**70]


@PATIENT
@given(st.text())
def test_any_name_makes_a_field_name_and_comes_back(name: str) -> None:
    key = encode_key(name)
    assert decode_key(key) == name
    assert key
    assert not set(key) & {".", "$", "\x00"}


@PATIENT
@given(st.text(), st.text())
def test_two_names_never_share_a_field(one: str, other: str) -> None:
    assert (encode_key(one) == encode_key(other)) == (one == other)


@PATIENT
@given(commands)
def test_a_command_comes_back_as_it_was(command: Command) -> None:
    assert decode_command(encode_command(command)) == command


@pytest.mark.parametrize(
    "command",
    [
        RunStep("i", "s", 1, "r", "a", "script", "local", {"n": 2**70}, {"x": [None]}, timedelta(milliseconds=1500)),
        CancelStep("i", "s", 1, None),
        SetTimer("i", TimerKind.JOB_TIMEOUT, NOON + timedelta(microseconds=1)),
        StartHook("i", "j", HookEvent.ON_ERROR, 1, Hook(Action("a", "task", "", spec={"task": "t"})), {"hook": {}}),
        WriteServerLine("i", 0, NOON, "é\n"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_every_kind_of_command_can_be_kept(command: Command) -> None:
    assert decode_command(encode_command(command)) == command


@PATIENT
@given(jobs)
def test_a_job_comes_back_as_it_was_to_the_millisecond(job: Job) -> None:
    digest, text = encode_flow(job.flow)
    assert decode_flow(text) == job.flow
    assert decode_flow(text).dependents == job.flow.dependents
    stored = decode_job(encode_job(StoredJob(job, (a_command(job),)), digest), decode_flow(text))
    assert stored == StoredJob(cut(job), (a_command(job),))
    assert list(stored.job.steps) == list(job.steps)


@PATIENT
@given(jobs, jobs)
def test_the_changes_between_two_jobs_make_one_of_the_other(before: Job, after: Job) -> None:
    after = replace(after, id=before.id, flow=before.flow, version=before.version + 1)
    document = encode_job(StoredJob(before), "digest")
    owed = (a_command(after),)
    changed, gone = find_changes(JobSave(before, after, owed))
    apply(document, changed, gone)
    wanted = encode_job(StoredJob(after, owed), "digest")
    assert {name: value for name, value in document.items() if value is not None} == wanted


def apply(document: dict[str, Any], changed: Mapping[str, Any], gone: list[str]) -> None:
    """What `$set` and `$unset` do."""
    for path, value in changed.items():
        head, _, tail = path.partition(".")
        if tail:
            document[head][tail] = value
        else:
            document[head] = value
    for path in gone:
        del document["steps"][path.removeprefix("steps.")]


def test_a_save_writes_what_changed_and_no_more() -> None:
    before = a_job(1, *(f"step-{number}" for number in range(100)))
    after = replace(before, steps=running(before, "step-7", "w1"), version=1)
    changed, gone = find_changes(JobSave(before, after, ()))
    assert set(changed) == {"version", "outbox", "found_by", "steps.step-7", "leases", "workers"}
    assert gone == []
    changed, _ = find_changes(JobSave(after, replace(after, version=2), ()))
    assert set(changed) == {"version", "outbox", "found_by"}


def test_an_output_that_turns_from_one_into_true_is_a_change() -> None:
    before = a_job(output={"n": 1})
    changed, _ = find_changes(JobSave(before, replace(before, output={"n": True}), ()))
    assert changed["output"] == '{"n":true}'


def test_one_flow_has_one_digest() -> None:
    digest = encode_flow(a_job().flow)[0]
    assert digest == encode_flow(Flow(dict(a_job().flow.steps)))[0]
    other = Flow({"one": StepSpec("one", Action("work", "script", "script"))})
    assert digest != encode_flow(other)[0]


def test_only_who_owes_is_marked() -> None:
    job = a_job()
    assert OWING not in encode_job(StoredJob(job), "digest")["found_by"]
    assert OWING in encode_job(StoredJob(job, (a_command(job),)), "digest")["found_by"]


def test_only_who_waits_for_an_event_is_found_by_it() -> None:
    waiting = Step(StepStatus.SUSPENDED, 1, waits_for="order-7")
    job = a_job(steps={"one": waiting, "two": waiting})
    assert encode_job(StoredJob(job), "digest")["found_by"].count("event:demo/order-7") == 1
    done = a_job(steps={"one": replace(waiting, status=StepStatus.COMPLETED), "two": Step()})
    assert "event:demo/order-7" not in encode_job(StoredJob(done), "digest")["found_by"]


def test_a_step_without_news_is_small() -> None:
    document = encode_job(StoredJob(a_job()), "digest")
    assert document["steps"] == {"one": {"status": "pending"}, "two": {"status": "pending"}}


def test_a_field_of_a_later_version_is_passed_over() -> None:
    job = a_job(status=JobStatus.RUNNING, steps={"one": Step(StepStatus.RUNNING, 1), "two": Step()})
    document = encode_job(StoredJob(job), "digest") | {"from_later": 1}
    document["steps"]["one"]["from_later"] = 2
    assert decode_job(document, job.flow).job == job


def test_times_are_cut_not_rounded() -> None:
    at = datetime(2026, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC)
    assert to_millis(at) == datetime(2026, 1, 1, 0, 0, 0, 999_000, tzinfo=UTC)
