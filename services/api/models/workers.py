"""Workers as the API shows them."""

from datetime import datetime

from pydantic import Field

from services.api.models.fields import JOB_ID, WORKER_ID, Answer


class RunningStepView(Answer):
    """An attempt that a worker has in hand."""

    job_id: str = Field(examples=[JOB_ID])
    step_name: str = Field(examples=["say-hello"])
    attempt: int = Field(examples=[1])


class WorkerRow(Answer):
    """A worker process; `status` is active, draining or inactive."""

    worker_id: str = Field(examples=[WORKER_ID])
    name: str = Field(examples=["worker-1"])
    status: str = Field(examples=["active"])
    capabilities: list[str] = Field(examples=[["script"]])
    tags: list[str] = Field(examples=[["gpu"]])
    version: str = Field(examples=["0.1.0"])
    slots: int = Field(examples=[4])
    running: list[RunningStepView]
    last_heartbeat: datetime | None
    registered_at: datetime | None


class WorkerPage(Answer):
    """A page of workers, latest registration first, and how many there are in all."""

    items: list[WorkerRow]
    total: int


class WorkerStep(Answer):
    """A step that the worker ran."""

    job_id: str = Field(examples=[JOB_ID])
    workspace: str
    task_name: str
    job_status: str
    step_name: str
    action_type: str
    status: str
    started_at: datetime | None
    completed_at: datetime | None
    error_message: str | None


class WorkerSteps(Answer):
    """The worker's latest steps, at most 50, and how many there are in all."""

    items: list[WorkerStep]
    total: int


class WorkerDetail(WorkerRow):
    """A worker with its latest steps."""

    steps: WorkerSteps
