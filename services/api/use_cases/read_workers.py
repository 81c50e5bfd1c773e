"""Workers and what they ran, read from the store."""

from typing import Any

from services.api.models.workers import RunningStepView, WorkerDetail, WorkerPage, WorkerRow, WorkerStep, WorkerSteps
from shared.errors import NotFound
from shared.storage.ports import Storage
from shared.storage.records import WorkerRecord

LATEST_STEPS = 50


async def list_workers(storage: Storage, *, limit: int, offset: int) -> WorkerPage:
    """A page of workers, latest registration first."""
    workers, total = await storage.workers.list_workers(limit=limit, offset=offset)
    return WorkerPage(items=[WorkerRow(**_fields(worker)) for worker in workers], total=total)


async def show_worker(storage: Storage, worker_id: str) -> WorkerDetail:
    """One worker with its latest steps.

    Raises:
        NotFound: there is none.
    """
    worker = await storage.workers.load(worker_id)
    if worker is None:
        raise NotFound("Worker not found")
    rows, total = await storage.jobs.list_steps_of(worker_id, limit=LATEST_STEPS)
    steps = [
        WorkerStep(
            job_id=row.job_id,
            workspace=row.workspace,
            task_name=row.task,
            job_status=row.job_status,
            step_name=row.step,
            action_type=row.action_type,
            status=row.status,
            started_at=row.started_at,
            completed_at=row.finished_at,
            error_message=row.error,
        )
        for row in rows
    ]
    return WorkerDetail(**_fields(worker), steps=WorkerSteps(items=steps, total=total))


def _fields(worker: WorkerRecord) -> dict[str, Any]:
    return {
        "worker_id": worker.id,
        "name": worker.name,
        "status": worker.status,
        "capabilities": list(worker.abilities),
        "tags": list(worker.tags),
        "version": worker.version,
        "slots": worker.slots,
        "running": [
            RunningStepView(job_id=one.job_id, step_name=one.step, attempt=one.attempt) for one in worker.running
        ],
        "last_heartbeat": worker.heartbeat_at,
        "registered_at": worker.registered_at,
    }
