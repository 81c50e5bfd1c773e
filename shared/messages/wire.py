"""The messages between the services: JSON with an envelope, read tolerantly."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.engine.states import JobStatus, Outcome, StepStatus, TimerKind


class Message(BaseModel):
    """The envelope. `id` is the de-duplication key, `correlation_id` the job's id ("" where there is none)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    occurred_at: datetime
    correlation_id: str = ""
    version: Literal[1] = 1


class JobMessage(Message):
    """A message about one job."""

    job_id: str


class RunStepMessage(JobMessage):
    """An attempt to run; `spec` and `input` are rendered."""

    type: Literal["step.run"] = "step.run"
    workspace: str
    task: str
    revision: str
    step: str
    attempt: int
    route: str
    action_name: str
    action_type: str
    runner: str
    spec: dict[str, Any]
    input: dict[str, Any]
    timeout_seconds: float | None = None


class StepStartedMessage(JobMessage):
    """A worker began an attempt."""

    type: Literal["step.started"] = "step.started"
    step: str
    attempt: int
    worker_id: str


class StepFinishedMessage(JobMessage):
    """A worker ended an attempt."""

    type: Literal["step.finished"] = "step.finished"
    step: str
    attempt: int
    worker_id: str
    outcome: Outcome
    output: Any = None
    error: str | None = None
    exit_code: int | None = None
    log_lines: int = 0


class StepLostMessage(JobMessage):
    """The worker of an attempt is gone."""

    type: Literal["step.lost"] = "step.lost"
    step: str
    attempt: int
    worker_id: str
    reason: str


class TimerFiredMessage(JobMessage):
    """A timer was due."""

    type: Literal["timer.fired"] = "timer.fired"
    kind: TimerKind
    step: str | None = None
    attempt: int = 0


class ChildFinishedMessage(JobMessage):
    """The job that a step started has ended, or could not be created; `job_id` is the parent."""

    type: Literal["child.finished"] = "child.finished"
    step: str
    attempt: int
    child_job_id: str
    status: JobStatus
    output: Any = None
    error: str | None = None


class CancelStepMessage(JobMessage):
    """Kill this attempt's processes."""

    type: Literal["step.cancel"] = "step.cancel"
    step: str
    attempt: int


class LogLine(BaseModel):
    """One line of a step: when it was read (UTC), from which stream, its text without the line end."""

    model_config = ConfigDict(frozen=True)

    ts: datetime
    stream: Literal["stdout", "stderr"]
    text: str


class LogChunkMessage(JobMessage):
    """Consecutive lines of one attempt; `first` is the sequence number (from 0) of the first of them."""

    type: Literal["log.chunk"] = "log.chunk"
    step: str
    attempt: int
    first: int
    lines: list[LogLine]


class JobChangedMessage(JobMessage):
    """A job changed its status; lossy, a hint for viewers."""

    type: Literal["job.changed"] = "job.changed"
    workspace: str
    task: str
    status: JobStatus


class StepChangedMessage(JobMessage):
    """A step changed its status; lossy, a hint for viewers."""

    type: Literal["step.changed"] = "step.changed"
    step: str
    attempt: int
    status: StepStatus


class WorkspaceChangedMessage(Message):
    """A workspace has a new revision; lossy, a hint for caches."""

    type: Literal["workspace.changed"] = "workspace.changed"
    workspace: str
    revision: str


class RefreshWorkspaceMessage(Message):
    """Load this workspace anew; `occurred_at` is when it was asked for."""

    type: Literal["workspace.refresh"] = "workspace.refresh"
    workspace: str


class RouteAddedMessage(Message):
    """A queue for a new route exists; workers that cover it subscribe."""

    type: Literal["route.added"] = "route.added"
    route: str


EventMessage = StepStartedMessage | StepFinishedMessage | StepLostMessage | TimerFiredMessage | ChildFinishedMessage
"""What travels in the event partitions."""

AnyMessage = Annotated[
    RunStepMessage
    | StepStartedMessage
    | StepFinishedMessage
    | StepLostMessage
    | TimerFiredMessage
    | ChildFinishedMessage
    | CancelStepMessage
    | LogChunkMessage
    | JobChangedMessage
    | StepChangedMessage
    | WorkspaceChangedMessage
    | RefreshWorkspaceMessage
    | RouteAddedMessage,
    Field(discriminator="type"),
]
"""Every message there is, told apart by `type`."""
