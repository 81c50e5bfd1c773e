"""Gives an event to every step that waits for it."""

from datetime import datetime

from services.api.models.events import Receiver
from shared.engine.events import EventReceived, Request
from shared.engine.flow import Json
from shared.engine.job import Job
from shared.engine.states import StepStatus
from shared.errors import Conflict, NotFound
from shared.orchestration.orchestrator import Orchestrator
from shared.storage.ports import JobStore

BATCH = 100  # jobs that are looked up at once


async def send_event(
    jobs: JobStore, orchestrator: Orchestrator, workspace: str, key: str, payload: Json
) -> list[Receiver]:
    """Complete all steps of the workspace that wait for the event now, and tell which.

    Raises:
        Unavailable: some may have it; send it again, those do not wait any more.
    """
    received: list[Receiver] = []
    asked: set[str] = set()
    while new := [job_id for job_id in await jobs.find_waiting(workspace, key, BATCH) if job_id not in asked]:
        asked.update(new)
        for job_id, stored in (await jobs.load(new)).items():
            received += [
                Receiver(job_id=job_id, step=step)
                for step in _waiting(stored.job, key)
                if await _give(orchestrator, job_id, step, payload)
            ]
    return received


def _waiting(job: Job, key: str) -> list[str]:
    return [name for name, step in job.steps.items() if step.status is StepStatus.SUSPENDED and step.waits_for == key]


async def _give(orchestrator: Orchestrator, job_id: str, step: str, payload: Json) -> bool:
    """Whether the step still waited."""

    def make_event(_job: Job, at: datetime) -> Request:
        return EventReceived(at, step, payload)

    try:
        await orchestrator.request(job_id, make_event)
    except (Conflict, NotFound):
        return False
    return True
