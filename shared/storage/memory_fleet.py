"""Workers and partitions in memory, for tests; the clock plays the database's."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.errors import Broken
from shared.runtime.clock import Clock
from shared.storage.codecs import to_millis
from shared.storage.records import RunningStep, WorkerRecord


class MemoryWorkers:
    """The worker store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._workers: dict[str, WorkerRecord] = {}
        self._heard: dict[str, datetime] = {}

    async def beat(self, worker: WorkerRecord) -> None:
        now = to_millis(self._clock.now())
        known = self._workers.get(worker.id)
        registered_at = known.registered_at if known else now
        self._workers[worker.id] = replace(worker, registered_at=registered_at, heartbeat_at=now)
        self._heard[worker.id] = now

    async def find_silent(self, silent_for: timedelta) -> list[WorkerRecord]:
        until = self._clock.now() - silent_for
        return [worker for worker in self._workers.values() if _is_alive(worker) and self._heard[worker.id] <= until]

    async def mark_inactive(self, worker_id: str) -> None:
        if worker_id in self._workers:
            self._workers[worker_id] = replace(self._workers[worker_id], status="inactive")

    async def find_holders(self, step: RunningStep, fresh_within: timedelta) -> list[str]:
        since = self._clock.now() - fresh_within
        fresh = [worker for worker in self._workers.values() if _is_alive(worker) and self._heard[worker.id] > since]
        return sorted(worker.id for worker in fresh if step in worker.running)

    async def list_workers(self, *, limit: int, offset: int) -> tuple[list[WorkerRecord], int]:
        latest = sorted(self._workers.values(), key=lambda worker: (worker.registered_at, worker.id), reverse=True)
        return latest[offset : offset + limit], len(latest)

    async def load(self, worker_id: str) -> WorkerRecord | None:
        return self._workers.get(worker_id)


class MemoryPartitions:
    """The partition store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count: int | None = None
        self._dispatchers: dict[str, datetime] = {}
        self._leases: dict[int, tuple[str, datetime]] = {}

    async def check_count(self, partitions: int) -> None:
        if self._count is None:
            self._count = partitions
        if self._count != partitions:
            raise Broken(f"the database was set up for {self._count} partitions, this service for {partitions}")

    async def beat(self, dispatcher_id: str, lease: timedelta) -> int:
        now = self._clock.now()
        self._dispatchers[dispatcher_id] = now + lease
        return sum(expires_at > now for expires_at in self._dispatchers.values())

    async def leave(self, dispatcher_id: str) -> None:
        self._dispatchers.pop(dispatcher_id, None)
        self._leases = {key: lease for key, lease in self._leases.items() if lease[0] != dispatcher_id}

    async def owned(self, dispatcher_id: str) -> set[int]:
        now = self._clock.now()
        return {key for key, (owner, expires_at) in self._leases.items() if owner == dispatcher_id and expires_at > now}

    async def acquire(self, dispatcher_id: str, partition: int, lease: timedelta) -> bool:
        now = self._clock.now()
        owner, expires_at = self._leases.get(partition, (dispatcher_id, now))
        if owner != dispatcher_id and expires_at > now:
            return False
        self._leases[partition] = (dispatcher_id, now + lease)
        return True

    async def release(self, dispatcher_id: str, partition: int) -> None:
        if partition in self._leases and self._leases[partition][0] == dispatcher_id:
            del self._leases[partition]


def _is_alive(worker: WorkerRecord) -> bool:
    return worker.status != "inactive"
