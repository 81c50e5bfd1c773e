"""A rehearsal goes through the engine as in earnest; what it expects in vain is told."""

from typing import Any

import pytest

from shared.definition.load import check_text
from shared.errors import InvalidInput, NotFound, Rejected
from shared.rehearsal.compare import compare
from shared.rehearsal.play import Played, play
from shared.rehearsal.script import Script, read_script

pytestmark = pytest.mark.usefixtures("whole_language")
WORKFLOWS = b"""
actions:
  tell: { type: script, script: x }
tasks:
  pair:
    input: { day: { type: integer, required: true } }
    flow:
      fetch: { type: script, script: x, input: { day: "{{ input.day }}" }, timeout: 1h }
      show: { type: script, script: x, depends_on: [fetch], input: { rows: "{{ fetch.output.rows }}" } }
    on_error: [{ action: tell }]
  gate:
    flow:
      ask: { type: approval, message: "Go?", timeout: 2h }
      go: { type: script, script: x, depends_on: [ask], input: { by: "{{ ask.output.approved_by }}" } }
  paid:
    flow:
      wait: { type: wait_for_event, event_key: paid }
  parent:
    flow:
      child: { type: task, task: pair, input: { day: 1 }, retry: { delay: 5 } }
  twice:
    flow:
      loop: { type: script, script: x, for_each: [1, 2], sequential: true }
"""


def played(task: str, **rest: Any) -> Played:
    definition, problems = check_text(WORKFLOWS)
    assert problems == ()
    return play(definition, script(task, **rest))


def script(task: str, **rest: Any) -> Script:
    return Script.model_validate({"task": task, **rest})


def test_steps_answer_as_written_and_their_inputs_are_rendered() -> None:
    found = played("pair", input={"day": 3}, steps={"fetch": {"output": {"rows": 5}}, "show": {"output": "ok"}})
    assert found.job.output == {"show": "ok"}
    assert found.job.steps["show"].input == {"rows": "5"}
    assert found.trace[0] == "run fetch 1"


def test_a_failure_starts_the_hooks() -> None:
    found = played("pair", input={"day": 3}, steps={"fetch": {"error": "no file"}})
    assert (found.job.status, found.hooks) == ("failed", ["on_error[0] tell"])
    assert "[orchestration] Step 'fetch' failed: no file" in found.lines


def test_a_step_that_hangs_ends_by_its_time_out() -> None:
    found = played("pair", input={"day": 3}, steps={"fetch": {"hangs": True}})
    assert found.job.status == "failed"
    assert "timed out" in str(found.job.steps["fetch"].error).lower()


def test_a_lost_worker_s_step_runs_again() -> None:
    found = played("pair", input={"day": 3}, steps={"fetch": [{"lost": True}, {"output": {"rows": 1}}]})
    assert (found.job.status, found.job.steps["fetch"].lost_attempts) == ("completed", 1)


def test_people_approve_reject_or_are_waited_for_in_vain() -> None:
    approved = played("gate", steps={"ask": {"approved": True, "by": "ada"}})
    assert (approved.job.status, approved.job.steps["go"].input) == ("completed", {"by": "ada"})
    assert played("gate", steps={"ask": {"approved": False}}).job.steps["ask"].error == "Approval rejected"
    assert played("gate").job.steps["ask"].error == "Approval timed out"


def test_an_event_ends_the_wait_and_none_is_told() -> None:
    assert played("paid", steps={"wait": {"event": {"amount": 3}}}).job.status == "completed"
    with pytest.raises(Rejected, match="does not end: 'wait' is suspended"):
        played("paid")


def test_a_task_is_answered_for_by_its_step() -> None:
    found = played("parent", steps={"child": [{"error": "no"}, {"output": {"show": 1}}]})
    assert found.job.output == {"child": {"show": 1}}
    assert "start child of child 2: pair {'day': 1}" in found.trace


def test_instances_answer_as_their_loop_does() -> None:
    found = played("twice", steps={"loop": {"output": 7}, "loop[1]": {"output": 8}})
    assert found.job.output == {"loop": [7, 8]}


def test_every_difference_is_told() -> None:
    expect = {
        "status": "failed",
        "output": {"show": 1},
        "steps": {"show": "skipped", "nothing": "failed"},
        "inputs": {"show": {"rows": 5}},
        "errors": {"show": "boom"},
        "hooks": ["on_error[0] tell"],
        "trace": ["run fetch 1", "fetch is lost"],
    }
    wanted = script("pair", expect=expect).expect
    told = compare(wanted, played("pair", input={"day": 3}, steps={"fetch": {"output": {"rows": 5}}}))
    assert told[0] == "the job is completed, expected failed"
    assert told[2:6] == [
        "the status of 'show' is 'completed', expected 'skipped'",
        "the status of 'nothing' is None, expected 'failed'",
        "the input of 'show' is {'rows': '5'}, expected {'rows': 5}",
        "the error of 'show' is None, expected 'boom'",
    ]
    assert told[6:] == ["the hooks is [], expected ['on_error[0] tell']", told[-1]]
    assert told[-1].startswith("line 2 of the trace is 'fetch is running', expected 'fetch is lost'")


def test_a_failed_job_says_why() -> None:
    wanted = script("pair").expect
    (told,) = compare(wanted, played("pair", input={"day": 3}, steps={"fetch": {"error": "no file"}}))
    assert told == "the job is failed, expected completed ('fetch': no file)"


def test_what_can_not_be_rehearsed_is_refused() -> None:
    with pytest.raises(NotFound, match="no task 'nothing'"):
        played("nothing")
    with pytest.raises(InvalidInput, match=r"input\.day is required"):
        played("pair")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"task: [\n", r"a\.yaml:2:1: bad YAML"),
        (b"tasks: t\n", r"a\.yaml: task: Field required; a\.yaml: tasks: Extra inputs"),
        (b"task: t\nexpect: { status: done }\n", r"expect\.status"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(text: bytes, told: str) -> None:
    with pytest.raises(Rejected, match=told):
        read_script(text, "a.yaml")
