"""What is counted and logged about jobs."""

from collections.abc import Sequence

import structlog

from shared.engine.decision import Ignored
from shared.engine.events import Event, StepFinished
from shared.engine.job import Job
from shared.telemetry.metrics import (
    EVENTS_APPLIED,
    EVENTS_IGNORED,
    JOBS_CREATED,
    JOBS_ENDED,
    SAVES_CONTENDED,
    STEPS_ENDED,
)

log = structlog.get_logger()


def tell_events(events: Sequence[Event], ignored: Sequence[Ignored]) -> None:
    """Events of one job that are dealt with, and why some of them changed nothing."""
    for event in events:
        EVENTS_APPLIED.labels(type(event).__name__).inc()
        if isinstance(event, StepFinished):
            STEPS_ENDED.labels(event.outcome.value).inc()
    for reason in ignored:
        EVENTS_IGNORED.labels(reason.value).inc()


def tell_unknown(job_id: str, events: Sequence[Event]) -> None:
    """Events of a job that is not in the database (any more)."""
    EVENTS_IGNORED.labels("unknown_job").inc(len(events))
    log.warning("event.unknown_job", job_id=job_id, events=[type(event).__name__ for event in events])


def tell_contended() -> None:
    """A save that lost its race."""
    SAVES_CONTENDED.inc()


def tell_created(job: Job) -> None:
    """A job that is new in the database."""
    JOBS_CREATED.labels(job.source_type).inc()
    log.debug("job.created", job_id=job.id, workspace=job.workspace, task=job.task, source_type=job.source_type)


def tell_saved(before: Job | None, after: Job) -> None:
    """A job that was saved."""
    if after.status.is_terminal and (before is None or not before.status.is_terminal):
        JOBS_ENDED.labels(after.status.value).inc()
        log.debug("job.ended", job_id=after.id, workspace=after.workspace, task=after.task, status=after.status.value)
