"""What is asked of a running job and answered: pause, retry, skip, approve and why it waits."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from services.api.models.fields import JOB_ID, Answer, JsonObject
from shared.engine.explain import WaitKind
from shared.engine.states import JobStatus, StepStatus

MOST_TOGETHER = 100


class Wish(Answer):
    """A request body; an unknown key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ApproveRequest(Wish):
    """The answer to an approval; `input` is the filled form."""

    approved: bool
    input: JsonObject | None = None
    rejection_reason: str | None = Field(default=None, max_length=100_000)


class SkipRequest(Wish):
    """Why the step is passed over; the whole body may be left out."""

    reason: str | None = Field(default=None, max_length=4096, examples=["not needed today"])


class ForceCompleteRequest(Wish):
    """What the step's output is to be, any JSON; the whole body may be left out."""

    result: Any = Field(default=None, examples=[{"rows": 12}])


class BulkRequest(Wish):
    """Which jobs; each counts once."""

    job_ids: Annotated[list[str], Field(min_length=1, max_length=MOST_TOGETHER, examples=[[JOB_ID]])]


class JobStatusAnswer(Answer):
    """The job's status now."""

    status: JobStatus


class StepStatusAnswer(Answer):
    """The step's status now; `attempt` counts its executions."""

    status: StepStatus
    attempt: int


class ApproveAnswer(Answer):
    """What was answered: `approved` or `rejected`."""

    status: str = Field(examples=["approved"])


class ReplayAnswer(Answer):
    """The steps that run again."""

    reset_steps: list[str] = Field(examples=[["fetch", "report"]])


class BulkCancelItem(Answer):
    """What came of one job; `error` says why it was not cancelled."""

    job_id: str = Field(examples=[JOB_ID])
    status: str = Field(examples=["cancelled"], description="cancelled or failed.")
    error: str | None = None


class BulkCancelAnswer(Answer):
    """How many were cancelled, how many were not, and each."""

    cancelled: int
    failed: int
    results: list[BulkCancelItem]


class BulkRetryItem(Answer):
    """What came of one job; `new_job_id` is the job that takes up its work."""

    job_id: str = Field(examples=[JOB_ID])
    status: str = Field(examples=["retried"], description="retried or failed.")
    new_job_id: str | None = None
    error: str | None = None


class BulkRetryAnswer(Answer):
    """How many were retried, how many were not, and each."""

    retried: int
    failed: int
    results: list[BulkRetryItem]


class WaitView(Answer):
    """One thing that is waited for; `names` are the steps, routes, people, jobs or event keys that it is about."""

    kind: WaitKind
    sentence: str = Field(examples=["Dependency 'fetch' is running"])
    names: list[str] = Field(examples=[["fetch"]])
    since: datetime | None
    until: datetime | None


class StepExplanation(Answer):
    """An open step and what it waits for."""

    step_name: str = Field(examples=["report"])
    status: StepStatus
    waits_for: list[WaitView]


class JobExplanation(Answer):
    """Why a job has not ended; `waits_for` is null and `steps` empty once it has."""

    job_id: str = Field(examples=[JOB_ID])
    status: JobStatus
    reason: str | None
    waits_for: WaitView | None
    steps: list[StepExplanation]
