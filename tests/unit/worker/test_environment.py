"""What a step finds in its environment."""

from pathlib import Path
from typing import Any

from services.worker.runners.environment import build_environment
from tests.support.commands import a_step

OWN = {
    "PATH": "/bin",
    "HOME": "/home/x",
    "LC_ALL": "C.UTF-8",
    "HEADRACE_RABBITMQ_URL": "amqp://secret",
    "HEADRACE_MONGO_URL": "mongodb://secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
}


def environment(**fields: Any) -> dict[str, str]:
    return build_environment(a_step(**fields), input_file=Path("/in"), output_file=Path("/out"), own=OWN)


def test_nothing_of_the_workers_own_gets_through_but_the_allow_list() -> None:
    found = environment()
    assert "secret" not in str(found)
    assert {name: found[name] for name in ("PATH", "HOME", "LC_ALL")} == {
        "PATH": "/bin",
        "HOME": "/home/x",
        "LC_ALL": "C.UTF-8",
    }


def test_the_attempt_is_named_in_both_spellings() -> None:
    found = environment(attempt=3)
    assert {name: value for name, value in found.items() if name.startswith(("HEADRACE", "STROEM"))} == {
        "HEADRACE_JOB_ID": "job-1",
        "HEADRACE_TASK": "work",
        "HEADRACE_STEP": "work",
        "HEADRACE_ATTEMPT": "3",
        "HEADRACE_WORKSPACE": "demo",
        "HEADRACE_INPUT": "/in",
        "HEADRACE_OUTPUT": "/out",
        "STROEM_JOB_ID": "job-1",
        "STROEM_TASK_NAME": "work",
        "STROEM_STEP_NAME": "work",
        "STROEM_WORKSPACE": "demo",
    }


def test_inputs_arrive_as_text_or_as_json() -> None:
    found = environment(input={"name": "x y", "max-count": 3, "list": ["ä", None], "on": True, "none": None})
    assert {name: value for name, value in found.items() if name.startswith("INPUT_")} == {
        "INPUT_NAME": "x y",
        "INPUT_MAX_COUNT": "3",
        "INPUT_LIST": '["ä",null]',
        "INPUT_ON": "true",
        "INPUT_NONE": "null",
    }


def test_an_input_that_no_variable_can_hold_is_left_to_the_file() -> None:
    found = environment(input={"nul": "a\0b", "large": "x" * 100_000, "fits": "y"})
    assert [name for name in found if name.startswith("INPUT_")] == ["INPUT_FITS"]


def test_the_actions_variables_come_after_inputs_and_before_ours() -> None:
    found = environment(
        input={"a": "from input"}, spec={"env": {"INPUT_A": "from action", "PATH": "/opt", "HEADRACE_STEP": "forged"}}
    )
    assert (found["INPUT_A"], found["PATH"], found["HEADRACE_STEP"]) == ("from action", "/opt", "work")
