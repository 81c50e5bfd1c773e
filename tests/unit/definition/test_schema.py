"""The published schema of workflow files is the current one, and speaks of every key that is taken."""

from pathlib import Path

import pytest

from shared.definition.keys import FILE_KEYS, STEP_KEYS, TASK_KEYS
from shared.definition.schema import TARGET, schema_text, workflow_schema

ROOT = Path(__file__).resolve().parents[3]


def test_the_kept_schema_is_the_current_one() -> None:
    assert (ROOT / TARGET).read_bytes() == schema_text(), "run `python -m shared.definition.schema`"


@pytest.mark.usefixtures("whole_language")
def test_every_key_of_the_language_is_in_the_schema() -> None:
    schema = workflow_schema()
    models = schema["$defs"]
    assert set(schema["properties"]) == FILE_KEYS
    assert set(models["StepDefinition"]["properties"]) == STEP_KEYS
    assert set(models["TaskDefinition"]["properties"]) == TASK_KEYS
    assert "approval" in models["ActionDefinition"]["properties"]["type"]["enum"]


@pytest.mark.usefixtures("first_language")
def test_what_is_refused_is_not_offered() -> None:
    schema = workflow_schema()
    assert "secrets" not in schema["properties"]
    assert "for_each" not in schema["$defs"]["StepDefinition"]["properties"]
    assert schema["$defs"]["StepDefinition"]["properties"]["type"]["enum"] == ["script", "task"]


def test_the_keys_of_steps_and_tasks_say_what_they_are_for() -> None:
    models = workflow_schema()["$defs"]
    said = {"name", "description", "mode", "title"}
    for model in ("StepDefinition", "TaskDefinition", "ActionDefinition", "RetryDefinition"):
        silent = {key for key, value in models[model]["properties"].items() if "description" not in value}
        assert silent <= said, model


def test_a_duration_may_be_written_as_text() -> None:
    timeout = workflow_schema()["$defs"]["StepDefinition"]["properties"]["timeout"]
    assert {"integer", "string"} <= {one.get("type") for one in timeout["anyOf"]}
