"""A workspace's actions, tasks and triggers, as every service reads them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from shared.definition.amounts import Bytes, Seconds
from shared.definition.connection_models import ConnectionDefinition, ConnectionProperty
from shared.definition.part import Part


class InputField(Part):
    """A declared input of a task or an action."""

    type: str
    """string, text, integer, number, boolean, date, datetime or a connection type."""
    name: str | None = None
    """What people see."""
    description: str | None = None
    required: bool = False
    """Whether there has to be a value."""
    secret: bool = False
    """Whether forms hide what is typed."""
    default: Any = None
    """The value where none is given."""
    options: list[str] | None = None
    """The values to choose from."""
    allow_custom: bool = False
    """Whether other values than `options` are taken."""
    multiple: bool = False
    """Whether the value is a list of texts."""
    order: int | None = None
    """The position in a form."""


class OutputField(Part):
    """A documented output of an action; not enforced."""

    type: str
    description: str | None = None
    required: bool = False
    default: Any = None
    options: list[str] | None = None


class RetryDefinition(Part):
    """What happens after a failure."""

    max_attempts: int = Field(3, ge=1, le=10)
    """How often it is run again after the first time, 1 to 10."""
    delay: Seconds = 30
    """How long to wait before, up to 1h."""
    backoff: Literal["none", "fixed", "exponential"] = "fixed"
    """`exponential` doubles the delay each time, `none` does not wait."""
    max_delay: Seconds | None = None
    """The longest delay."""
    jitter: bool = False
    """Whether each delay is up to a quarter longer or shorter, so that not all come back at once."""


class Resources(Part):
    """What a container gets at most; the worker's own limits stand above."""

    cpu: str | float | None = None
    """Processors: `2`, `0.5` or `500m`."""
    memory: str | int | None = None
    """Memory: `256Mi`, `1Gi` or a number of bytes."""


class ActionBody(Part):
    """What an action does; an inline step has the same keys."""

    output: dict[str, OutputField] | None = None
    """What it gives, for people to read."""
    tags: list[str] = Field(default_factory=list)
    """Only workers that have all these tags run it."""
    env: dict[str, str] = Field(default_factory=dict)
    """Environment variables; the values are templates."""
    script: str | None = None
    """The text of the script."""
    source: str | None = None
    """The script's file in the workspace."""
    runner: Literal["local", "docker", "pod"] = "local"
    """Where the script runs."""
    language: Literal["shell", "python", "javascript", "js", "typescript", "ts", "go"] = "shell"
    """What the script is written in."""
    dependencies: list[str] = Field(default_factory=list)
    """Packages that the script needs."""
    memory: Bytes | None = None
    """How much memory each process of the step may have, `512MiB`."""
    interpreter: str | None = None
    """The program that runs the script, where it is not the language's usual one."""
    args: list[str] = Field(default_factory=list)
    """The script's arguments; templates."""
    image: str | None = None
    """`type: docker`, or a script with `runner: docker`: the image; a template."""
    cmd: str | None = None
    """`type: docker`: what `sh -c` runs in the container; a template."""
    command: list[str] = Field(default_factory=list)
    """`type: docker`: the arguments, without a shell; templates."""
    entrypoint: list[str] = Field(default_factory=list)
    """`type: docker`: the program, where it is not the image's own; templates."""
    workdir: str | None = None
    """The container's working directory; a template."""
    resources: Resources | None = None
    """What the container gets at most."""
    task: str | None = None
    """`type: task`: the task that is started; the step ends with its job."""
    message: str | None = None
    """`type: approval`: what people are asked; a template."""
    approvers: list[str] = Field(default_factory=list)
    """`type: approval`: who may answer; everybody if empty."""
    duration: Seconds | None = None
    """`type: sleep`: how long."""
    until: str | None = None
    """`type: sleep`: a date and time, or a template of one."""
    event_key: str | None = None
    """`type: wait_for_event`: the event's key; a template."""
    method: str | None = None
    """`type: http`: the method; GET if absent."""
    url: str | None = None
    """`type: http`: the address; a template."""
    headers: dict[str, str] = Field(default_factory=dict)
    """`type: http`: the request's headers; templates."""
    body: Any = None
    """`type: http`: the request's body, a text or what is sent as JSON; its texts are templates."""
    call: str | None = None
    """`type: function`: what is called, `package.module:function`."""


class ActionDefinition(ActionBody):
    """A reusable unit of work."""

    type: str
    """What kind of action it is."""
    name: str | None = None
    """What people see."""
    description: str | None = None
    input: dict[str, InputField] = Field(default_factory=dict)
    """The inputs that it declares; of an approval, its form."""
    retry: RetryDefinition | None = None
    """What happens after a failure, unless the step says otherwise."""
    timeout: Seconds | None = None
    """`type: http`: how long the answer may take; the step's own `timeout` counts too."""


class StepDefinition(ActionBody):
    """One node of a flow: either `action` names an action, or `type` and the body are written here."""

    action: str | None = None
    """The action that it runs."""
    type: str | None = None
    """The kind of the action that is written here."""
    name: str | None = None
    """What people see."""
    description: str | None = None
    depends_on: list[str] = Field(default_factory=list)
    """The steps that must have ended before."""
    input: dict[str, Any] = Field(default_factory=dict)
    """What the action gets; texts are templates."""
    when: str | None = None
    """A template; where it renders to nothing, false, 0, null or none, the step is skipped."""
    continue_on_failure: bool = False
    """Whether it runs although a dependency failed, and its own failure does not fail the job."""
    timeout: Seconds | None = None
    """How long one attempt may take, up to 24h."""
    retry: RetryDefinition | None = None
    """What happens after a failure; replaces the action's own wholesale."""
    for_each: str | list[Any] | None = None
    """A list, or a template of one: the step runs once for each item."""
    sequential: bool = False
    """Whether the items' runs follow one another; the rest is skipped after a failure."""
    max_parallel: int | None = Field(None, ge=1, le=1000)
    """How many items' runs may go at once."""


class HookDefinition(Part):
    """An action that runs when a job has ended or waits for people; its input's templates see `hook`."""

    action: str
    """The action that it runs."""
    input: dict[str, Any] = Field(default_factory=dict)
    """What the action gets; texts are templates."""


class TaskDefinition(Part):
    """What a job is made of.

    `name` is the display name. `errors` are the sentences of the problems that forbid running it, those of its actions
    included; a task that could not be read at all has an empty flow and its errors.
    """

    name: str | None = None
    """What people see."""
    description: str | None = None
    mode: Literal["distributed", "local"] = "distributed"
    folder: str | None = None
    """Where people find it, `a/b`; the file's own folder if absent."""
    input: dict[str, InputField] = Field(default_factory=dict)
    """The inputs that a job of it takes."""
    flow: dict[str, StepDefinition] = Field(default_factory=dict)
    """Its steps."""
    timeout: Seconds | None = None
    """How long a job may take from its creation, up to 168h."""
    retry: RetryDefinition | None = None
    """What happens after a job has failed: a new job with the same input."""
    max_parallel_steps: int | None = Field(None, ge=1, le=1000)
    """How many steps of a job may run at once."""
    on_success: list[HookDefinition] = Field(default_factory=list)
    """What runs when a job is completed."""
    on_error: list[HookDefinition] = Field(default_factory=list)
    """What runs when a job has failed."""
    on_cancel: list[HookDefinition] = Field(default_factory=list)
    """What runs when a job was cancelled."""
    on_suspended: list[HookDefinition] = Field(default_factory=list)
    """What runs when a step waits for an approval."""
    errors: list[str] = Field(default_factory=list)


class SchedulerTrigger(Part):
    """Starts a task by the clock; `cron` has 5 fields, or 6 with seconds first, read in `timezone`."""

    type: Literal["scheduler"]
    cron: str
    """When: five fields, or six with seconds first."""
    task: str
    """What is started."""
    input: dict[str, Any] = Field(default_factory=dict)
    """The job's input."""
    enabled: bool = True
    """Whether it fires."""
    timezone: str = "UTC"
    """The time zone of `cron`, `Europe/Berlin`."""
    catch_up: Literal["none", "one", "all"] = "none"
    """What happens with fires that were missed while nothing ran."""
    concurrency: Literal["allow", "skip", "cancel_previous"] = "allow"
    """What happens when the last fire's job is still running."""
    force_refresh: bool = False


class WebhookSignature(Part):
    """How a sender signs a request's body."""

    scheme: Literal["github", "stripe", "slack", "standard-webhooks"]
    """Whose way of signing it is."""
    secret: str
    """What the signature is made with, `ref+env://NAME`."""


class WebhookTrigger(Part):
    """Starts a task for each request to `/hooks/{name}`."""

    type: Literal["webhook"]
    name: str
    """The last part of its address; letters, digits, `_` and `-`."""
    task: str
    """What is started."""
    secret: str | None = None
    """What callers have to send; everybody may call if absent."""
    signature: WebhookSignature | None = None
    """What callers have to sign with."""
    input: dict[str, Any] = Field(default_factory=dict)
    """The job's input beside `body`, `headers`, `method` and `query`."""
    enabled: bool = True
    """Whether it answers."""
    mode: Literal["async", "sync"] = "async"
    """`sync` answers when the job has ended."""
    timeout_secs: int = Field(30, ge=1, le=300)
    """How long `sync` waits, in seconds, 1 to 300."""
    force_refresh: bool = False


TriggerDefinition = SchedulerTrigger | WebhookTrigger
"""When to start a task by itself."""


class WorkspaceDefinition(Part):
    """Everything a workspace declares that can be used; triggers and workspace hooks with errors are left out.

    `secrets` is `{name: "ref+env://NAME"}`; `seal_nonce` belongs to them, see `shared.definition.sealed`.
    """

    actions: dict[str, ActionDefinition] = Field(default_factory=dict)
    tasks: dict[str, TaskDefinition] = Field(default_factory=dict)
    triggers: dict[str, Annotated[TriggerDefinition, Field(discriminator="type")]] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    seal_nonce: str = ""
    connection_types: dict[str, dict[str, ConnectionProperty]] = Field(default_factory=dict)
    connections: dict[str, ConnectionDefinition] = Field(default_factory=dict)
    on_success: list[HookDefinition] = Field(default_factory=list)
    on_error: list[HookDefinition] = Field(default_factory=list)
    on_cancel: list[HookDefinition] = Field(default_factory=list)
    on_suspended: list[HookDefinition] = Field(default_factory=list)
