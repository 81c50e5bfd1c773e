"""Commands that are confirmed but still stand in their job's outbox."""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime


class CarriedOut:
    """`{job: ids of commands}` that the job's next save may leave out of the outbox."""

    def __init__(self) -> None:
        self._done: OrderedDict[str, tuple[datetime, set[str]]] = OrderedDict()

    def note(self, job_id: str, command_ids: Iterable[str], now: datetime) -> None:
        """These are confirmed."""
        self._done.setdefault(job_id, (now, set()))[1].update(command_ids)

    def of(self, job_id: str) -> frozenset[str]:
        """What is confirmed and still stands."""
        return frozenset(self._done[job_id][1]) if job_id in self._done else frozenset()

    def settle(self, job_id: str, command_ids: Iterable[str]) -> None:
        """These no longer stand in the stored outbox."""
        if job_id not in self._done:
            return
        ids = self._done[job_id][1]
        ids.difference_update(command_ids)
        if not ids:
            del self._done[job_id]

    def overdue(self, before: datetime, limit: int) -> dict[str, list[str]]:
        """`{job: ids}` that were confirmed before this time and that no save has cleared since, oldest first."""
        found: dict[str, list[str]] = {}
        for job_id, (since, ids) in self._done.items():
            if len(found) >= limit or since > before:
                break
            found[job_id] = sorted(ids)
        return found
