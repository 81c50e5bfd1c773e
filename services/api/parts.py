"""What the routes work with: the parts that wiring joined."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path
from starlette.requests import HTTPConnection

from services.api.job_ends import JobEnds
from services.api.live_logs import LiveLogs
from services.api.models.fields import JOB_ID, WORKER_ID
from services.api.settings import ApiSettings
from services.api.use_cases.refresh_workspace import RefreshWorkspace
from services.api.view_logs import Patience
from shared.broker.ports import Broker
from shared.errors import InvalidInput
from shared.orchestration.catalog import Catalog
from shared.orchestration.orchestrator import Orchestrator
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Lifecycle
from shared.storage.ports import Storage

UUID_LENGTH = 36
LOG_SETTLES_WITHIN = timedelta(seconds=3)  # the last chunks reach the store well before; then the answer goes without


@dataclass(frozen=True)
class Parts:
    """One api process, taken apart."""

    settings: ApiSettings
    clock: Clock
    lifecycle: Lifecycle
    storage: Storage
    broker: Broker
    catalog: Catalog
    orchestrator: Orchestrator
    live: LiveLogs
    ends: JobEnds
    refresh: RefreshWorkspace
    patience: Patience = field(default_factory=Patience)
    log_settles_within: timedelta = LOG_SETTLES_WITHIN
    viewers: set[object] = field(default_factory=set)


async def parts_of(connection: HTTPConnection) -> Parts:
    """The app's parts."""
    found: Parts = connection.app.state.parts
    return found


def checked_id(text: str, told: str) -> str:
    """A UUID in its usual text form, lower case.

    Raises:
        InvalidInput: it is none; the text is `told`.
    """
    try:
        is_uuid = len(text) == UUID_LENGTH and str(UUID(text)) == text.lower()
    except ValueError:
        is_uuid = False
    if not is_uuid:
        raise InvalidInput(told)
    return text.lower()


async def _job_id(
    job_id: Annotated[str, Path(description="Job ID (UUID).", examples=[JOB_ID], json_schema_extra={"format": "uuid"})],
) -> str:
    return checked_id(job_id, "Invalid job ID")


async def _worker_id(
    worker_id: Annotated[
        str, Path(description="Worker ID (UUID).", examples=[WORKER_ID], json_schema_extra={"format": "uuid"})
    ],
) -> str:
    return checked_id(worker_id, "Invalid worker ID")


PartsOf = Annotated[Parts, Depends(parts_of)]
JobId = Annotated[str, Depends(_job_id)]
WorkerId = Annotated[str, Depends(_worker_id)]
WorkspaceName = Annotated[str, Path(description="Workspace name.", examples=["default"])]
TaskName = Annotated[str, Path(description="Task name.", examples=["hello-world"])]
