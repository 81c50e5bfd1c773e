"""Starts a fire's job as the trigger's `concurrency` allows: at once, never, or in place of those before it."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Literal

from shared.engine.job import Job
from shared.engine.states import TERMINAL_JOB, JobStatus
from shared.errors import Conflict, NotFound
from shared.orchestration.create_job import NewJob
from shared.orchestration.orchestrator import Orchestrator
from shared.storage.ports import JobStore
from shared.storage.records import JobFilter

PAGE = 500


class AdmitFire:
    """Schedulers agree: only jobs of earlier fires count, and whatever is made has the fire's own id."""

    def __init__(self, jobs: JobStore, orchestrator: Orchestrator) -> None:
        self._jobs = jobs
        self._orchestrator = orchestrator

    async def start(self, new: NewJob, concurrency: Literal["allow", "skip", "cancel_previous"]) -> tuple[Job, bool]:
        """The fire's job, which may be a skipped one, and whether it is new.

        Raises:
            NotFound, InvalidInput, StoreUnavailable: as `Orchestrator.create`.
        Repeats: the job is made once; earlier ones that have ended meanwhile stay as they are.
        """
        if concurrency == "skip":
            async for earlier in self._earlier(new):
                return await self._orchestrator.create_skipped(new, f"job {earlier} of this trigger is open")
        if concurrency == "cancel_previous":
            for earlier in [job_id async for job_id in self._earlier(new)]:
                with suppress(Conflict, NotFound):  # it has ended meanwhile
                    await self._orchestrator.cancel(earlier, by=f"trigger {new.source_id}")
        return await self._orchestrator.create_once(new)

    async def _earlier(self, new: NewJob) -> AsyncIterator[str]:
        """Ids of the trigger's open jobs of earlier fires; ids are by time."""
        for status in JobStatus:
            if status in TERMINAL_JOB:
                continue
            wanted = JobFilter(workspace=new.workspace, status=status, source_type=new.source_type)
            offset, total = 0, 1
            while offset < total:
                rows, total = await self._jobs.list_jobs(wanted, limit=PAGE, offset=offset)
                offset += PAGE
                for row in rows:
                    if row.source_id == new.source_id and row.id < (new.job_id or ""):
                        yield row.id
