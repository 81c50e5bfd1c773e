"""Jobs as the API shows them; every key is present, null where there is no value."""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from services.api.models.fields import JOB_ID, WORKER_ID, Answer, IfSet, JsonObject
from shared.engine.states import JobStatus, StepStatus


class JobRow(Answer):
    """A job in a list; the `retry_…` fields are filled in where one job is shown."""

    job_id: str = Field(examples=[JOB_ID])
    workspace: str = Field(examples=["default"])
    task_name: str = Field(examples=["hello-world"])
    mode: str = Field(examples=["distributed"])
    status: JobStatus
    source_type: str = Field(examples=["api"], description="api, user, trigger, webhook, hook, task, retry or rerun.")
    source_id: str | None
    revision: str = Field(examples=["abc123def456"])
    reason: str | None = Field(description="Why it has this status, for example `timed_out`.")
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    retry_of_job_id: str | None = None
    retry_job_id: str | None = None
    retry_attempt: int = 0
    max_retries: int | None = None


class JobPage(Answer):
    """A page of jobs, newest first, and how many there are in all."""

    items: list[JobRow]
    total: int = Field(examples=[1])


class StepView(Answer):
    """A step of a job; `attempt` counts executions from 1, `log_lines` is `{attempt: lines}`."""

    step_name: str = Field(examples=["say-hello"])
    action_name: str = Field(examples=["greet"])
    action_type: str = Field(examples=["script"])
    action_image: str | None
    runner: str = Field(examples=["local"])
    input: JsonObject | None = Field(examples=[{"name": "World"}])
    output: Any = Field(examples=[{"greeting": "Hello World"}])
    status: StepStatus
    worker_id: str | None = Field(examples=[WORKER_ID])
    ready_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    suspended_at: datetime | None = None
    error_message: str | None
    exit_code: int | None
    attempt: int
    lost_attempts: int
    log_lines: dict[str, int]
    depends_on: list[str]
    when_condition: str | None
    for_each_expr: str | None = None
    loop_source: str | None = None
    loop_index: int | None = None
    loop_total: int | None = None
    retry_attempt: int = 0
    max_retries: int | None = None
    retry_history: list[JsonObject] = Field(default_factory=list)
    retry_at: datetime | None = None
    settled_by: str | None = Field(default=None, description="Who skipped or completed the step by hand.")
    child_job_id: str | None = Field(default=None, description="The job that a step of type `task` started.")
    approval_message: str | None = IfSet
    approval_fields: JsonObject | None = IfSet


class JobDetail(JobRow):
    """A job with its steps in topological order."""

    input: JsonObject = Field(examples=[{"name": "World"}])
    raw_input: JsonObject = Field(examples=[{}], description="What the caller sent, without defaults.")
    output: Any
    parent_job_id: str | None = Field(default=None, description="The job whose step started this one.")
    parent_step: str | None = None
    source_job_id: str | None = None
    restart_from_step: str | None = None
    worker_id: str | None = None
    warnings: list[str]
    steps: list[StepView]


class ExecuteRequest(Answer):
    """What to run a task with; the whole body may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: JsonObject = Field(default_factory=dict, examples=[{"name": "World"}])
    source_job_id: str | None = Field(
        default=None, description="The job whose input was edited for this one; its secret values are taken over."
    )


class ExecuteAnswer(Answer):
    """The new job's id."""

    job_id: str = Field(examples=[JOB_ID])


class CancelAnswer(Answer):
    """The job's new status."""

    status: JobStatus = Field(examples=["cancelled"])


class LogText(Answer):
    """Log lines as JSONL text: one `{"ts","stream","step","line"}` a line."""

    logs: str = Field(
        examples=['{"ts":"2025-02-10T12:00:01Z","stream":"stdout","step":"say-hello","line":"Hello World"}\n']
    )
