"""Messages that were once sent can be read for ever; version 1 of each is kept here as it travels."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from shared.engine.states import JobStatus, Outcome, StepStatus, TimerKind
from shared.errors import Poison, Rejected
from shared.messages.codec import decode, encode
from shared.messages.wire import (
    AnyMessage,
    JobChangedMessage,
    LogChunkMessage,
    RunStepMessage,
    StepChangedMessage,
    StepFinishedMessage,
    TimerFiredMessage,
)

GOLDENS = sorted((Path(__file__).parent / "messages").glob("*.v1.json"))
TYPES = {kind.model_fields["type"].default: kind for kind in get_args(get_args(AnyMessage)[0])}
ENVELOPE = ("id", "occurred_at", "type")


def golden(kind: str) -> dict[str, Any]:
    """The message of this type, as JSON."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("messages").joinpath(f"{kind}.v1.json").read_bytes())
    return found


def read(value: dict[str, Any]) -> Any:
    """What a service makes of it."""
    return decode(json.dumps(value).encode())


def test_every_type_has_its_golden() -> None:
    assert [path.name for path in GOLDENS] == sorted(f"{kind}.v1.json" for kind in TYPES)


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_an_old_message_is_read_and_written_as_it_was(path: Path) -> None:
    message = decode(path.read_bytes())
    assert type(message) is TYPES[path.name.removesuffix(".v1.json")]
    assert json.loads(encode(message)) == json.loads(path.read_bytes())


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_fields_of_a_newer_sender_are_passed_over(kind: str) -> None:
    assert read({**golden(kind), "new_field": {"deep": [1]}}) == read(golden(kind))


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_message_without_its_envelope_is_poison_that_names_the_field(kind: str) -> None:
    for name in ENVELOPE:
        with pytest.raises(Poison, match="type" if name == "type" else name):
            read({key: value for key, value in golden(kind).items() if key != name})


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_another_version_is_poison(kind: str) -> None:
    with pytest.raises(Poison, match="version"):
        read({**golden(kind), "version": 2})


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_required_field_is_missed_by_its_name(kind: str) -> None:
    required = [name for name, field in TYPES[kind].model_fields.items() if field.is_required()]
    assert len(required) > len(ENVELOPE) - 1
    for name in required:
        with pytest.raises(Poison, match=name):
            read({key: value for key, value in golden(kind).items() if key != name})


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"type": "step.unheard"}', b"\x80\x04N."])
def test_what_is_no_message_is_poison(body: bytes) -> None:
    with pytest.raises(Poison):
        decode(body)


def test_a_poison_reason_repeats_no_content() -> None:
    with pytest.raises(Poison) as raised:
        read({**golden("step.finished"), "attempt": "hunter2"})
    assert "hunter2" not in raised.value.message


def test_what_has_no_json_is_rejected_before_it_is_sent() -> None:
    half = read(golden("step.finished")).model_copy(update={"output": "\ud800"})
    with pytest.raises(Rejected, match="m-2"):
        encode(half)


def test_what_may_be_left_out_has_its_meaning() -> None:
    run = read({key: value for key, value in golden("step.run").items() if key != "timeout_seconds"})
    assert isinstance(run, RunStepMessage)
    assert run.timeout_seconds is None
    optional = ("output", "error", "exit_code", "log_lines", "correlation_id")
    done = read({key: value for key, value in golden("step.finished").items() if key not in optional})
    assert isinstance(done, StepFinishedMessage)
    assert (done.output, done.error, done.exit_code, done.log_lines, done.correlation_id) == (None, None, None, 0, "")


def test_text_arrives_as_it_was_read() -> None:
    chunk = read(golden("log.chunk"))
    assert isinstance(chunk, LogChunkMessage)
    assert [line.text for line in chunk.lines] == ["grüezi", "\x00\u2028 😀"]


@pytest.mark.parametrize("value", list(Outcome))
def test_every_outcome_travels(value: Outcome) -> None:
    message = read({**golden("step.finished"), "outcome": value.value})
    assert isinstance(message, StepFinishedMessage)
    assert message.outcome is value


@pytest.mark.parametrize("value", list(TimerKind))
def test_every_kind_of_timer_travels(value: TimerKind) -> None:
    message = read({**golden("timer.fired"), "kind": value.value})
    assert isinstance(message, TimerFiredMessage)
    assert message.kind is value


@pytest.mark.parametrize("value", list(StepStatus))
def test_every_status_of_a_step_travels(value: StepStatus) -> None:
    message = read({**golden("step.changed"), "status": value.value})
    assert isinstance(message, StepChangedMessage)
    assert message.status is value


@pytest.mark.parametrize("value", list(JobStatus))
def test_every_status_of_a_job_travels(value: JobStatus) -> None:
    message = read({**golden("job.changed"), "status": value.value})
    assert isinstance(message, JobChangedMessage)
    assert message.status is value
