"""A new job, before anything has happened to it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.engine.flow import Flow, Json
from shared.engine.job import Job, Step

_UNTOUCHED = Step()


def new_job(
    *,
    id: str,  # noqa: A002 - the fields of a job
    workspace: str,
    task: str,
    revision: str,
    flow: Flow,
    input: Mapping[str, Json],  # noqa: A002
    raw_input: Mapping[str, Json],
    source_type: str,
    created_at: datetime,
    source_id: str | None = None,
    warnings: tuple[str, ...] = (),
    **links: Any,
) -> Job:
    """A pending job whose steps are all pending; `decide(job, JobCreated(created_at), renderer)` sets it going.

    `links` are fields of a job that tie it to others: `parent_…`, `depth`, `retry_of_job_id`, `starts_at`, ….
    """
    if flow.retry is not None:
        links = {"max_retries": flow.retry.max_attempts, **links}
    return Job(
        id=id,
        workspace=workspace,
        task=task,
        revision=revision,
        flow=flow,
        input=input,
        raw_input=raw_input,
        source_type=source_type,
        created_at=created_at,
        source_id=source_id,
        warnings=warnings,
        steps=dict.fromkeys(flow.steps, _UNTOUCHED),
        open_steps=len(flow.steps),
        **links,
    )
