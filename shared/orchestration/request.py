"""What people ask of a job, as events of the job that it is when they ask."""

from collections.abc import Callable
from datetime import datetime

from shared.engine.events import Request
from shared.engine.job import Job
from shared.errors import NotFound

MakeEvent = Callable[[Job, datetime], Request]
"""The event of a request about this job, now; may raise what is wrong with it (`Rejected`)."""


def about_step(step: str, make_event: MakeEvent) -> MakeEvent:
    """The request, once the job is seen to have the step; it raises NotFound if not."""

    def make(job: Job, at: datetime) -> Request:
        if step not in job.steps:
            raise NotFound(f"Step '{step}' not found in job {job.id}")
        return make_event(job, at)

    return make
