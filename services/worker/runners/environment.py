"""What a step finds in its environment."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import orjson

from shared.messages.wire import RunStepMessage

PASSED_ON = frozenset({"PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "SHELL"})
PASSED_ON_PREFIX = "LC_"
LARGEST_VARIABLE_BYTES = 64 * 1024  # Linux takes 128 KiB for one; larger inputs are in the HEADRACE_INPUT file
LARGEST_INPUTS_BYTES = 512 * 1024  # for all INPUT_ variables; Linux takes about 2 MiB with the arguments


def build_environment(
    step: RunStepMessage, *, input_file: Path, output_file: Path, own: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The whole environment of a step: nothing of the worker's own but an allow-list.

    Later ones win: allow-list, `INPUT_<NAME>`, the action's `env`, `HEADRACE_…` and `STROEM_…`.
    """
    return {
        **passed_on(own),
        "PYTHONUNBUFFERED": "1",
        **_inputs(step),
        **{str(name): str(value) for name, value in (step.spec.get("env") or {}).items()},
        "HEADRACE_JOB_ID": step.job_id,
        "HEADRACE_TASK": step.task,
        "HEADRACE_STEP": step.step,
        "HEADRACE_ATTEMPT": str(step.attempt),
        "HEADRACE_WORKSPACE": step.workspace,
        "HEADRACE_INPUT": str(input_file),
        "HEADRACE_OUTPUT": str(output_file),
        "STROEM_JOB_ID": step.job_id,
        "STROEM_TASK_NAME": step.task,
        "STROEM_STEP_NAME": step.step,
        "STROEM_WORKSPACE": step.workspace,
    }


def passed_on(own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The part of the worker's own environment that steps get."""
    return {name: value for name, value in own.items() if name in PASSED_ON or name.startswith(PASSED_ON_PREFIX)}


def _inputs(step: RunStepMessage) -> dict[str, str]:
    """`INPUT_<NAME>` of each input that fits: text as it is, the rest as JSON."""
    found: dict[str, str] = {}
    total = 0
    for name, value in step.input.items():
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        size = len(text.encode())
        if "\0" in text or size > LARGEST_VARIABLE_BYTES or total + size > LARGEST_INPUTS_BYTES:
            continue
        total += size
        found["INPUT_" + re.sub(r"[^A-Z0-9]", "_", name.upper())] = text
    return found
