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

    `retry_attempt` counts the runs that its policy granted after the first; while it waits for the next one it is
    pending and has `retry_at`. `retry_history` has `{attempt, error, started_at, failed_at}` of each failed run, times
    as ISO 8601 text. `waits_for` is the key of the event that ends a suspension. `skip_cause` is the dependency that
    a step was skipped for.

    A loop is a placeholder and its instances `name[0]`, `name[1]`, …: an instance has `loop_source` (the placeholder),
    `loop_index` and `loop_item`, both have `loop_total`. On the placeholder `loop_open` counts instances that have not
    ended, `loop_next` is the index of the next one to start.

    `settled_by` is who skipped or completed the step by hand; `retry` if its result is that of the job which this one
    retries.
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
    retry_attempt: int = 0
    retry_at: datetime | None = None
    retry_history: tuple[Mapping[str, Json], ...] = ()
    suspended_at: datetime | None = None
    waits_for: str | None = None
    child_job_id: str | None = None
    skip_cause: str | None = None
    loop_source: str | None = None
    loop_index: int | None = None
    loop_total: int | None = None
    loop_item: Json = None
    loop_open: int = 0
    loop_next: int = 0
    settled_by: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One execution of a task.

    `raw_input` is what the caller sent; `input` has defaults filled in. `version` counts saves and guards them.
    `open_steps` counts steps that are not terminal. `server_lines` counts the `_server` log lines written so far, so
    that each has its own sequence number. `reason` explains a status: "timed_out", "cancelled by …". `are_hooks_fired`
    says that nothing more follows: the job has ended, no step runs, its hooks (if any) were started.

    `waiting` are the steps that may start as soon as there is room, first come first; `busy_steps` counts those that
    take room: ready or running. A sub-job knows the step that started it (`parent_…`) and how deep it is (0: nobody's
    child). A job that failed and is retried as a whole names its successor in `retry_job_id`; the successor names the
    first of them in `retry_of_job_id` and does not begin before `starts_at`. `source_job_id` is the job that it was
    replayed from. `reopened_count` counts how often a step of the ended job was made to run again.
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
    waiting: tuple[str, ...] = ()
    busy_steps: int = 0
    parent_job_id: str | None = None
    parent_step: str | None = None
    parent_attempt: int | None = None
    depth: int = 0
    retry_of_job_id: str | None = None
    retry_job_id: str | None = None
    retry_attempt: int = 0
    max_retries: int = 0
    starts_at: datetime | None = None
    source_job_id: str | None = None
    reopened_count: int = 0
