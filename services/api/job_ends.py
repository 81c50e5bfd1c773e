"""Waits for jobs to end: announcements wake, a look now and then makes up for lost ones."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from shared.engine.job import Job
from shared.errors import NotFound
from shared.storage.ports import JobStore

CHECK_EVERY = timedelta(seconds=2)  # announcements are lossy
MOST_WAITING = 1_000  # callers of one process; who comes then is told at once that the job is not over


@dataclass(slots=True)
class _Watched:
    """A job that somebody waits for."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)
    callers: int = 0


class JobEnds:
    """Any api process may be asked about any job: all of them hear all announcements."""

    def __init__(self, jobs: JobStore, stopping: asyncio.Event, *, check_every: timedelta = CHECK_EVERY) -> None:
        self._jobs = jobs
        self._stopping = stopping
        self._check_every = check_every
        self._watched: dict[str, _Watched] = {}
        self._callers = 0

    def job_changed(self, job_id: str) -> None:
        """An announcement said that the job has ended."""
        if job_id in self._watched:
            self._watched[job_id].changed.set()

    async def wait(self, job_id: str, within: timedelta) -> Job:
        """The job when it has ended, or as it is when the time is over, too many wait or this process stops.

        Raises:
            NotFound: there is no such job.
            StoreUnavailable: nobody can tell.
        """
        watched = self._watched.setdefault(job_id, _Watched())
        watched.callers += 1
        self._callers += 1
        try:
            return await self._wait(job_id, watched, within)
        finally:
            self._callers -= 1
            watched.callers -= 1
            if not watched.callers:
                del self._watched[job_id]

    async def _wait(self, job_id: str, watched: _Watched, within: timedelta) -> Job:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within.total_seconds()
        while True:
            watched.changed.clear()
            found = await self._jobs.load([job_id])
            if job_id not in found:
                raise NotFound("Job not found")
            job, left = found[job_id].job, deadline - loop.time()
            if job.status.is_terminal or left <= 0 or self._stopping.is_set() or self._callers > MOST_WAITING:
                return job
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, self._check_every.total_seconds())):
                    await watched.changed.wait()
