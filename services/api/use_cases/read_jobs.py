"""Jobs, read from the store."""

from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

from services.api.models.jobs import JobDetail, JobPage, JobRow, StepView
from services.api.models.system import JobCounts
from shared.definition.sealed import mask
from shared.engine.flow import StepSpec
from shared.engine.job import Job, Step
from shared.engine.states import JobStatus
from shared.errors import InvalidInput, NotFound
from shared.orchestration.catalog import Catalog
from shared.storage.ports import JobStore
from shared.storage.records import JobFilter, JobSummary

DEFAULT_MODE = "distributed"  # hooks have no definition of their own
SOURCE_TYPES = ("api", "user", "trigger", "webhook", "hook", "task", "retry", "rerun", "upload")


async def list_jobs(
    jobs: JobStore,
    catalog: Catalog,
    *,
    workspace: str | None,
    task_name: str | None,
    status: str | None,
    source_type: str | None,
    limit: int,
    offset: int,
) -> JobPage:
    """A page of jobs, newest first.

    Raises:
        InvalidInput: a filter that does not fit.
    """
    if task_name is not None and workspace is None:
        raise InvalidInput("task_name filter requires workspace")
    wanted = JobFilter(workspace, task_name, _status(status), _source_type(source_type))
    rows, total = await jobs.list_jobs(wanted, limit=limit, offset=offset)
    return JobPage(items=[await _row(catalog, row) for row in rows], total=total)


async def load_job(jobs: JobStore, job_id: str) -> Job:
    """One job.

    Raises:
        NotFound: there is none.
    """
    found = await jobs.load([job_id])
    if job_id not in found:
        raise NotFound("Job not found")
    return found[job_id].job


async def show_job(jobs: JobStore, catalog: Catalog, job_id: str) -> JobDetail:
    """One job with its steps in topological order; raises as `load_job`."""
    job = await load_job(jobs, job_id)
    return JobDetail(
        job_id=job.id,
        workspace=job.workspace,
        task_name=job.task,
        mode=await _mode(catalog, job.workspace, job.revision, job.task),
        status=job.status,
        source_type=job.source_type,
        source_id=job.source_id,
        revision=job.revision,
        reason=job.reason,
        created_at=job.created_at,
        started_at=job.started_at,
        completed_at=job.finished_at,
        input=mask(dict(job.input)),
        raw_input=mask(dict(job.raw_input)),
        output=mask(job.output),
        warnings=mask(list(job.warnings)),
        retry_of_job_id=job.retry_of_job_id,
        retry_job_id=job.retry_job_id,
        retry_attempt=job.retry_attempt,
        max_retries=job.max_retries or None,
        parent_job_id=job.parent_job_id,
        parent_step=job.parent_step,
        source_job_id=job.source_job_id,
        steps=[_step(*each) for each in _in_order(job)],
    )


async def count_jobs(jobs: JobStore) -> JobCounts:
    """How many jobs have each status."""
    return JobCounts(**await jobs.count_by_status())


def _status(text: str | None) -> JobStatus | None:
    if text is None:
        return None
    try:
        return JobStatus(text)
    except ValueError:
        known = ", ".join(JobStatus)
        raise InvalidInput(f"Invalid status filter '{text}'. Must be one of: {known}") from None


def _source_type(text: str | None) -> str | None:
    if text is not None and text not in SOURCE_TYPES:
        known = ", ".join(SOURCE_TYPES)
        raise InvalidInput(f"Invalid source_type filter '{text}'. Must be one of: {known}")
    return text


async def _row(catalog: Catalog, row: JobSummary) -> JobRow:
    return JobRow(
        job_id=row.id,
        workspace=row.workspace,
        task_name=row.task,
        mode=await _mode(catalog, row.workspace, row.revision, row.task),
        status=row.status,
        source_type=row.source_type,
        source_id=row.source_id,
        revision=row.revision,
        reason=row.reason,
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.finished_at,
    )


async def _mode(catalog: Catalog, workspace: str, revision: str, task: str) -> str:
    try:
        loaded = await catalog.at(workspace, revision)
    except NotFound:  # the revision was removed; jobs keep their own copy of the flow
        return DEFAULT_MODE
    found = loaded.definition.tasks.get(task)
    return found.mode if found else DEFAULT_MODE


def _in_order(job: Job) -> Iterator[tuple[str, StepSpec, Step]]:
    """The steps, each after what it depends on, else in the author's order; a loop's instances follow it."""
    sorter = TopologicalSorter({name: spec.depends_on for name, spec in job.flow.steps.items()})
    instances: dict[str, list[str]] = {}
    for name, step in job.steps.items():
        if step.loop_source is not None:
            instances.setdefault(step.loop_source, []).append(name)
    for name in sorter.static_order():
        spec = job.flow.steps[name]
        yield from ((each, spec, job.steps[each]) for each in (name, *instances.get(name, ())) if each in job.steps)


def _approval(spec: StepSpec, step: Step) -> dict[str, Any]:
    """What only a step that asks somebody has."""
    if spec.action.type != "approval":
        return {}
    message = mask(step.output.get("approval_message")) if isinstance(step.output, dict) else None
    return {"approval_message": message, "approval_fields": dict(spec.action.input)}


def _step(name: str, spec: StepSpec, step: Step) -> StepView:
    image = spec.action.spec.get("image")
    loop = spec.loop if step.loop_source is None else None
    return StepView(
        step_name=name,
        action_name=spec.action.name,
        action_type=spec.action.type,
        action_image=image if isinstance(image, str) else None,
        runner=spec.action.runner,
        input=None if step.input is None else mask(dict(step.input)),
        output=mask(step.output),
        status=step.status,
        worker_id=step.worker_id,
        ready_at=step.ready_at,
        started_at=step.started_at,
        completed_at=step.finished_at,
        error_message=mask(step.error),
        exit_code=step.exit_code,
        attempt=step.attempt,
        lost_attempts=step.lost_attempts,
        log_lines=dict(step.log_lines),
        depends_on=list(spec.depends_on),
        when_condition=spec.when,
        suspended_at=step.suspended_at,
        for_each_expr=loop.items if loop is not None and isinstance(loop.items, str) else None,
        loop_source=step.loop_source,
        loop_index=step.loop_index,
        loop_total=step.loop_total,
        retry_attempt=step.retry_attempt,
        max_retries=spec.retry.max_attempts if spec.retry is not None else None,
        retry_history=mask([dict(each) for each in step.retry_history]),
        retry_at=step.retry_at,
        settled_by=step.settled_by,
        child_job_id=step.child_job_id,
        **_approval(spec, step),
    )
