"""What a step of Headrace is given, and how it gives back."""

import json
import os
from typing import Any


def read_inputs() -> dict[str, Any]:
    """All inputs of the step, with their JSON types, from the file that `HEADRACE_INPUT` names."""
    with open(os.environ["HEADRACE_INPUT"], encoding="utf-8") as file:
        inputs: dict[str, Any] = json.load(file)
    return inputs


def give(output: dict[str, Any]) -> None:
    """Make `output` the output of the step."""
    print("OUTPUT: " + json.dumps(output, ensure_ascii=False))
