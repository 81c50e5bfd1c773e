"""What callers of webhooks read."""

from datetime import datetime
from typing import Any

from pydantic import Field

from services.api.models.fields import JOB_ID, Answer, IfSet


class WebhookAnswer(Answer):
    """The job that the call started; `status` and `output` only where the webhook waits for the job's end."""

    job_id: str = Field(examples=[JOB_ID])
    trigger: str = Field(examples=["on-push"])
    task: str = Field(examples=["hello-world"])
    status: str | None = IfSet
    output: Any = IfSet


class WebhookJob(Answer):
    """How a job that a webhook started is doing."""

    job_id: str = Field(examples=[JOB_ID])
    trigger: str = Field(examples=["on-push"])
    task: str = Field(examples=["hello-world"])
    status: str = Field(examples=["completed"])
    output: Any
    created_at: datetime
    completed_at: datetime | None
