"""Workers."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.api.models.fields import Limit, Offset
from services.api.models.workers import WorkerDetail, WorkerPage
from services.api.parts import PartsOf, WorkerId
from services.api.routes.refusals import refusals
from services.api.use_cases import read_workers

router = APIRouter(prefix="/api/workers", tags=["workers"])


@router.get("", responses=refusals(400))
async def list_workers(
    parts: PartsOf, limit: Annotated[Limit, Query()] = 50, offset: Annotated[Offset, Query()] = 0
) -> WorkerPage:
    """List workers, latest registration first."""
    return await read_workers.list_workers(parts.storage, limit=limit, offset=offset)


@router.get("/{worker_id}", responses=refusals(400, 404))
async def show_worker(parts: PartsOf, worker_id: WorkerId) -> WorkerDetail:
    """Show a worker with its latest steps."""
    return await read_workers.show_worker(parts.storage, worker_id)
