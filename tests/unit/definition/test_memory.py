"""A step's memory limit as authors write it."""

import pytest

from shared.definition.compile import compile_flow
from shared.definition.load import check_text

MIB = 1024 * 1024


def read(step: str) -> tuple[object, list[str]]:
    """The limit that the worker gets, and the problems."""
    definition, problems = check_text(f"tasks: {{ t: {{ flow: {{ s: {{ {step} }} }} }} }}\n".encode(), "x.yaml")
    messages = [problem.message for problem in problems]
    return None if messages else compile_flow(definition, "t").steps["s"].action.spec.get("memory"), messages


@pytest.mark.parametrize(
    ("written", "limit"),
    [("512MiB", 512 * MIB), ("512Mi", 512 * MIB), ("1Gi", 1024 * MIB), ("300MB", 300_000_000), (8 * MIB, 8 * MIB)],
)
def test_a_limit_is_read_in_bytes(written: object, limit: int) -> None:
    assert read(f"type: script, script: x, memory: {written}") == (limit, [])
    assert read(f"type: function, call: 'a:b', memory: {written}") == (limit, [])


def test_a_step_without_a_limit_has_none() -> None:
    assert read("type: script, script: x") == (None, [])


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("type: script, script: x, memory: much", "is no amount of memory"),
        ("type: script, script: x, memory: 1MiB", "a limit of less than 4MiB lets nothing start"),
        ("type: http, url: 'http://h/', memory: 1Gi", "`memory` has no place in `type: http`"),
        ("type: script, script: x, runner: docker, memory: 1Gi", "takes its limit from `resources`"),
    ],
)
def test_a_limit_that_makes_no_sense_is_a_problem(step: str, told: str) -> None:
    assert any(told in message for message in read(step)[1])
