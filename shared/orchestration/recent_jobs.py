"""The jobs that this process saved last, so that their next event needs no read."""

from collections import OrderedDict
from collections.abc import Collection

from shared.storage.records import StoredJob

REMEMBERED = 1_000  # at some 10 KB each about 10 MB; a dispatcher seldom has more jobs in motion


class RecentJobs:
    """Running jobs as this process saved them; somebody else may have saved since, the compare-and-swap tells."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._jobs: OrderedDict[str, StoredJob] = OrderedDict()

    def __len__(self) -> int:
        return len(self._jobs)

    def find(self, job_id: str) -> StoredJob | None:
        """The job as it was saved last."""
        found = self._jobs.get(job_id)
        if found is not None:
            self._jobs.move_to_end(job_id)
        return found

    def keep(self, stored: StoredJob) -> None:
        """Remember the job, unless it has ended; the one not asked for longest makes room."""
        if stored.job.status.is_terminal and not stored.job.open_steps:
            self._jobs.pop(stored.job.id, None)
            return
        self._jobs[stored.job.id] = stored
        self._jobs.move_to_end(stored.job.id)
        while len(self._jobs) > self._limit:
            self._jobs.popitem(last=False)

    def forget(self, job_id: str) -> None:
        """Read it next time."""
        self._jobs.pop(job_id, None)

    def strip(self, job_id: str, command_ids: Collection[str]) -> None:
        """These commands were cleared from the stored outbox."""
        found = self._jobs.get(job_id)
        if found is not None:
            outbox = tuple(command for command in found.outbox if command.id not in command_ids)
            self._jobs[job_id] = StoredJob(found.job, outbox)
