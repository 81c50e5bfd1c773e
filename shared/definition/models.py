"""A workspace's actions, tasks and triggers, as every service reads them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shared.definition.durations import parse_duration

Seconds = Annotated[int, BeforeValidator(parse_duration)]
"""A duration in whole seconds; files may write `1h30m`."""


class Part(BaseModel):
    """A part of a workspace. What JSON can't say is not in it: `model_dump(mode="json")` and back is the same."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class InputField(Part):
    """A declared input of a task or an action."""

    type: str
    name: str | None = None
    description: str | None = None
    required: bool = False
    secret: bool = False
    default: Any = None
    options: list[str] | None = None
    allow_custom: bool = False
    multiple: bool = False
    order: int | None = None


class OutputField(Part):
    """A documented output of an action; not enforced."""

    type: str
    description: str | None = None
    required: bool = False
    default: Any = None
    options: list[str] | None = None


class ActionBody(Part):
    """What an action does; an inline step has the same keys."""

    output: dict[str, OutputField] | None = None
    tags: list[str] = Field(default_factory=list)
    env: dict[str, str] = Field(default_factory=dict)
    script: str | None = None
    source: str | None = None
    runner: Literal["local", "docker", "pod"] = "local"
    language: Literal["shell", "python", "javascript", "js", "typescript", "ts", "go"] = "shell"
    dependencies: list[str] = Field(default_factory=list)
    interpreter: str | None = None
    args: list[str] = Field(default_factory=list)
    task: str | None = None


class ActionDefinition(ActionBody):
    """A reusable unit of work; `task` is the task that an action of type `task` starts."""

    type: str
    name: str | None = None
    description: str | None = None
    input: dict[str, InputField] = Field(default_factory=dict)


class StepDefinition(ActionBody):
    """One node of a flow: either `action` names an action, or `type` and the body are written here."""

    action: str | None = None
    type: str | None = None
    name: str | None = None
    description: str | None = None
    depends_on: list[str] = Field(default_factory=list)
    input: dict[str, Any] = Field(default_factory=dict)
    when: str | None = None
    continue_on_failure: bool = False
    timeout: Seconds | None = None


class HookDefinition(Part):
    """An action that runs when a job has ended; its input's templates see `hook`."""

    action: str
    input: dict[str, Any] = Field(default_factory=dict)


class TaskDefinition(Part):
    """What a job is made of.

    `name` is the display name. `errors` are the sentences of the problems that forbid running it, those of its actions
    included; a task that could not be read at all has an empty flow and its errors.
    """

    name: str | None = None
    description: str | None = None
    mode: Literal["distributed", "local"] = "distributed"
    folder: str | None = None
    input: dict[str, InputField] = Field(default_factory=dict)
    flow: dict[str, StepDefinition] = Field(default_factory=dict)
    timeout: Seconds | None = None
    on_success: list[HookDefinition] = Field(default_factory=list)
    on_error: list[HookDefinition] = Field(default_factory=list)
    errors: list[str] = Field(default_factory=list)


class TriggerDefinition(Part):
    """When to start a task by itself; `cron` has 5 fields, or 6 with seconds first, read in `timezone`."""

    type: Literal["scheduler"]
    cron: str
    task: str
    input: dict[str, Any] = Field(default_factory=dict)
    enabled: bool = True
    timezone: str = "UTC"
    concurrency: Literal["allow", "skip", "cancel_previous"] = "allow"
    force_refresh: bool = False


class WorkspaceDefinition(Part):
    """Everything a workspace declares that can be used; triggers and workspace hooks with errors are left out."""

    actions: dict[str, ActionDefinition] = Field(default_factory=dict)
    tasks: dict[str, TaskDefinition] = Field(default_factory=dict)
    triggers: dict[str, TriggerDefinition] = Field(default_factory=dict)
    on_success: list[HookDefinition] = Field(default_factory=list)
    on_error: list[HookDefinition] = Field(default_factory=list)
