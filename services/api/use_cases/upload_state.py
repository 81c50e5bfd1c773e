"""Brings a state from outside: a snapshot, and a completed job that stands for the upload."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from uuid_utils import uuid7

from services.api.models.state import StateUploaded
from services.api.use_cases.read_state import find_scope
from shared.engine.create import new_job
from shared.engine.flow import Flow
from shared.engine.job import Job
from shared.engine.states import JobStatus
from shared.messages.translate import whole_millis
from shared.orchestration.catalog import Catalog
from shared.orchestration.told import tell_created, tell_saved
from shared.runtime.clock import Clock
from shared.storage.ports import Storage
from shared.storage.records import StateScope, StoredJob
from shared.storage.state_archive import STATE_FILE, StateFile, StateRefused, read_files
from shared.storage.state_change import Author, StateChange, write_state

GLOBAL_TASK = "_global_state"
SOURCE_TYPE = "upload"

Mode = Literal["replace", "merge"]


@dataclass(frozen=True, slots=True)
class Upload:
    """What was sent: a gzip-compressed tar or nothing, and the keys of `state.json`."""

    mode: Mode
    archive: bytes
    keys: Mapping[str, str]


async def upload_state(
    catalog: Catalog, storage: Storage, clock: Clock, workspace: str, task: str | None, upload: Upload
) -> StateUploaded:
    """Keep it as the newest state of the task, or with `task` None of the workspace.

    Raises:
        NotFound: no such workspace or task.
        StateRefused, StateTooLarge: it can't be kept.
        StoreUnavailable, Contended: unknown whether it was kept; a repeat makes another snapshot of the same.
    """
    scope, loaded = await find_scope(catalog, workspace, task)
    files = await asyncio.to_thread(_read, upload.archive)
    now = whole_millis(clock.now())
    author = Author(str(uuid7()), str(uuid7()), now)
    change = StateChange(keys=upload.keys, files=files, is_anew=upload.mode == "replace")
    snapshot = await write_state(storage.snapshots, scope, change, author)
    job = _stand_in(scope, loaded.revision, upload.mode, snapshot.id, snapshot.job_id, now)
    await storage.jobs.insert([StoredJob(job)])
    tell_created(job)
    tell_saved(None, job)
    return StateUploaded(snapshot_id=snapshot.id, job_id=job.id)


def _read(archive: bytes) -> dict[str, StateFile]:
    files = read_files(archive)
    if STATE_FILE in files:
        raise StateRefused(f"The archive holds {STATE_FILE}; its keys are given in the query")
    return files


def _stand_in(scope: StateScope, revision: str, mode: Mode, snapshot_id: str, job_id: str, now: datetime) -> Job:
    """A job without steps that has ended, so that the snapshot's origin shows among the jobs."""
    job = new_job(
        id=job_id,
        workspace=scope.workspace,
        task=scope.task or GLOBAL_TASK,
        revision=revision,
        flow=Flow({}),
        input={},
        raw_input={"mode": mode},
        source_type=SOURCE_TYPE,
        created_at=now,
    )
    return replace(
        job,
        status=JobStatus.COMPLETED,
        output={"snapshot_id": snapshot_id},
        are_hooks_fired=True,
        started_at=now,
        finished_at=now,
    )
