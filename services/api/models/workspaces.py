"""Workspaces, tasks and triggers as the API shows them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from services.api.models.fields import Answer, IfSet, JsonObject


class WorkspaceRow(Answer):
    """A workspace; `warnings` are the texts of all its problems, `error` says why it could not be loaded at all."""

    name: str = Field(examples=["default"])
    tasks_count: int = Field(examples=[3])
    actions_count: int = Field(examples=[5])
    triggers_count: int = Field(examples=[1])
    connections_count: int = 0
    revision: str | None = Field(examples=["abc123"])
    error: str | None = IfSet
    warnings: list[str] = Field(examples=[[]])


class TaskRow(Answer):
    """A task in a list; `id` is its key in the file, `name` the display name, else the key."""

    id: str = Field(examples=["hello-world"])
    name: str = Field(examples=["hello-world"])
    workspace: str = Field(examples=["default"])
    mode: str = Field(examples=["distributed"])
    has_triggers: bool = Field(description="Whether an enabled trigger starts it.")
    can_execute: bool = Field(description="False while its definition has errors.")
    folder: str | None = IfSet
    description: str | None = IfSet


class InputFieldView(Answer):
    """A declared input."""

    type: str = Field(examples=["string"])
    required: bool = False
    secret: bool = False
    default: Any = IfSet
    name: str | None = IfSet
    description: str | None = IfSet
    options: list[str] | None = IfSet
    allow_custom: bool = False
    multiple: bool = False
    order: int | None = IfSet


class FlowStepView(Answer):
    """A node of the flow; `timeout` in seconds. An inline step's action is called `_inline:<task>:<step>`."""

    action: str = Field(examples=["greet"])
    type: str | None = IfSet
    name: str | None = IfSet
    description: str | None = IfSet
    depends_on: list[str]
    input: JsonObject
    continue_on_failure: bool
    timeout: int | None = IfSet
    when: str | None = IfSet
    sequential: bool = False


class RefreshAnswer(Answer):
    """The revision that was loaded."""

    workspace: str = Field(examples=["default"])
    revision: str = Field(examples=["3f2c9d"])
    refreshed: bool = True


class TriggerView(Answer):
    """A trigger and its next five fire times, in UTC."""

    name: str = Field(examples=["nightly"])
    type: str = Field(examples=["scheduler"])
    cron: str | None = IfSet
    timezone: str | None = IfSet
    task: str = Field(examples=["hello-world"])
    enabled: bool
    paused: bool = Field(default=False, description="By people, until it is resumed.")
    catch_up: str | None = IfSet
    concurrency: str | None = IfSet
    mode: str | None = IfSet
    input: JsonObject
    next_runs: list[str] = Field(examples=[["2026-02-19T02:00:00+00:00"]])


class TaskDetail(TaskRow):
    """A task with its input schema, flow and triggers; `problems` are the texts of what forbids running it."""

    input: dict[str, InputFieldView]
    flow: dict[str, FlowStepView]
    triggers: list[TriggerView]
    timeout: int | None = IfSet
    problems: list[str]
    connections: dict[str, list[str]] | None = IfSet


def format_time(at: datetime) -> str:
    """An aware UTC time as `2026-02-19T02:00:00+00:00`."""
    return at.isoformat(timespec="seconds")
