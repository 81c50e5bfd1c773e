"""All stores in memory: for tests, kept honest by the contract suite that MongoDB's stores pass too."""

from shared.runtime.clock import Clock, SystemClock
from shared.storage.memory_artifacts import MemoryArtifacts
from shared.storage.memory_content import MemoryLogs, MemoryWorkspaces
from shared.storage.memory_fleet import MemoryPartitions, MemoryWorkers
from shared.storage.memory_jobs import MemoryJobs
from shared.storage.memory_small import MemoryFires, MemoryIdempotency, MemoryRoutes, MemoryTimers
from shared.storage.memory_snapshots import MemorySnapshots


class MemoryStorage:
    """All stores of one process; `clock` plays the database's."""

    def __init__(self, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self.jobs = MemoryJobs(clock)
        self.timers = MemoryTimers()
        self.workers = MemoryWorkers(clock)
        self.workspaces = MemoryWorkspaces()
        self.fires = MemoryFires()
        self.logs = MemoryLogs()
        self.partitions = MemoryPartitions(clock)
        self.routes = MemoryRoutes()
        self.idempotency = MemoryIdempotency()
        self.snapshots = MemorySnapshots()
        self.artifacts = MemoryArtifacts()

    async def ping(self) -> None:
        return

    async def close(self) -> None:
        return
