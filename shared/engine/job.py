"""A job between two events: everything that `decide` knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.engine.flow import Flow, Json
from shared.engine.states import JobStatus, StepStatus


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job.

    `attempt` counts executions from 1 (0: none yet) and only grows; (job, step, attempt) is the fence against late
    reports. `lost_attempts` counts lost workers. `log_lines` is `{attempt as text: lines the worker says it wrote}`;
    an attempt whose worker was lost is missing there.
    """

    status: StepStatus = StepStatus.PENDING
    attempt: int = 0
    lost_attempts: int = 0
    worker_id: str | None = None
    input: Mapping[str, Json] | None = None
    output: Json = None
    error: str | None = None
    exit_code: int | None = None
    ready_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    log_lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """One execution of a task.

    `raw_input` is what the caller sent; `input` has defaults filled in. `version` counts saves and guards them.
    `open_steps` counts steps that are not terminal. `server_lines` counts the `_server` log lines written so far, so
    that each has its own sequence number. `reason` explains a status: "timed_out", "cancelled by …". `are_hooks_fired`
    says that nothing more follows: the job has ended, no step runs, its hooks (if any) were started.
    """

    id: str
    workspace: str
    task: str
    revision: str
    flow: Flow
    input: Mapping[str, Json]
    raw_input: Mapping[str, Json]
    source_type: str
    created_at: datetime
    source_id: str | None = None
    status: JobStatus = JobStatus.PENDING
    reason: str | None = None
    steps: Mapping[str, Step] = field(default_factory=dict)
    open_steps: int = 0
    output: Json = None
    server_lines: int = 0
    are_hooks_fired: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    warnings: tuple[str, ...] = ()
    version: int = 0
