"""Clears away what is done, in batches, when nothing else did."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.engine.job import Job
from shared.orchestration.carried_out import CarriedOut
from shared.orchestration.recent_jobs import RecentJobs
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Lifecycle
from shared.storage.ports import Storage

EVERY = timedelta(milliseconds=500)
UNTOUCHED_FOR = timedelta(seconds=5)  # a job in motion is saved sooner, which clears its outbox for nothing
BUSY_FOR = timedelta(seconds=1)  # after a save: then tidying waits, for it takes as long as a save
POSTPONED_FOR = timedelta(seconds=20)  # at most; the sweep takes what stands for 30 s for forgotten
BATCH = 25  # jobs in one write: those that matter more must not wait long behind it


class Tidy:
    """Empties outboxes of jobs that are not saved again, and removes the timers of jobs that have ended."""

    def __init__(self, storage: Storage, done: CarriedOut, recent: RecentJobs, clock: Clock) -> None:
        self._storage = storage
        self._done = done
        self._recent = recent
        self._clock = clock
        self._ended: list[str] = []
        self._saved_at: datetime | None = None

    def note_saved(self) -> None:
        """This process is busy."""
        self._saved_at = self._clock.now()

    def note_ended(self, job: Job) -> None:
        """The job's timers, if it set any, are not needed any more."""
        if job.flow.timeout is not None or any(spec.timeout is not None for spec in job.flow.steps.values()):
            self._ended.append(job.id)

    async def run(self, lifecycle: Lifecycle) -> None:
        """Tidy twice a second until the stop signal."""

        async def body() -> None:
            await lifecycle.pause(EVERY)
            await self.tidy()

        await lifecycle.repeat("outbox.tidy", body)

    def _patience(self) -> timedelta:
        is_busy = self._saved_at is not None and self._clock.now() - self._saved_at < BUSY_FOR
        return POSTPONED_FOR if is_busy else UNTOUCHED_FOR

    async def tidy(self) -> None:
        """Clear what is due now. Repeats: harmless."""
        while cleared := self._done.overdue(self._clock.now() - self._patience(), BATCH):
            await self._storage.jobs.clear_outbox(cleared)
            for job_id, ids in cleared.items():
                self._done.settle(job_id, ids)
                self._recent.strip(job_id, ids)
        while ended := self._ended[:BATCH]:
            await self._remove_timers(ended)
            del self._ended[: len(ended)]

    async def _remove_timers(self, ended: Sequence[str]) -> None:
        """A job may have been made to run again: timers that were there before it was seen to have ended are old."""
        timers = await self._storage.timers.find_of(ended)
        jobs = await self._storage.jobs.load(list({timer.job_id for timer in timers}))
        over = {job_id for job_id, stored in jobs.items() if stored.job.status.is_terminal}
        await self._storage.timers.remove([timer.id for timer in timers if timer.job_id in over])
