"""Removes containers that nobody waits for: those of dead workers, and own ones that could not be removed."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import timedelta

import structlog

from services.worker.runners.docker_ports import Engine, EngineFailed, Found
from services.worker.runners.docker_request import LABEL_SYSTEM, LABEL_WORKER, Marks
from shared.runtime.clock import Clock
from shared.storage.ports import WorkerStore

log = structlog.get_logger()

EVERY = timedelta(seconds=30)
SILENT_FOR = timedelta(seconds=15)  # then a worker is lost, and its steps are given out anew


class DockerSweep:
    """Looks at the containers of this system, whichever worker made them, at the start and then every 30 s."""

    def __init__(
        self, engine: Engine, workers: WorkerStore, clock: Clock, marks: Marks, running: Callable[[], AbstractSet[str]]
    ) -> None:
        self._engine = engine
        self._workers = workers
        self._clock = clock
        self._marks = marks
        self._running = running

    async def round(self) -> None:
        """One look, and the wait for the next."""
        await self.sweep()
        await self._clock.sleep(EVERY)

    async def sweep(self) -> int:
        """Remove the leftovers; answers how many. Repeats: harmless.

        Raises:
            StoreUnavailable: try again.
        """
        try:
            found = await self._engine.find(f"{LABEL_SYSTEM}={self._marks.system}")
            leftovers = await self._find_leftovers(found)
            for one in leftovers:
                log.warning("container.leftover", container=one.name, worker_id=one.labels.get(LABEL_WORKER))
                await self._engine.remove(one.name)
        except EngineFailed as failure:
            log.warning("container.no_sweep", error=str(failure))
            return 0
        return len(leftovers)

    async def _find_leftovers(self, found: list[Found]) -> list[Found]:
        running = self._running()  # after the list: what began since is not in it
        dead: dict[str, bool] = {self._marks.worker_id: False}
        leftovers = []
        for one in found:
            owner = one.labels.get(LABEL_WORKER, "")
            if owner not in dead:
                dead[owner] = await self._is_dead(owner)
            if dead[owner] or (owner == self._marks.worker_id and one.name not in running):
                leftovers.append(one)
        return leftovers

    async def _is_dead(self, worker_id: str) -> bool:
        worker = await self._workers.load(worker_id)
        if worker is None or worker.status == "inactive":
            return True
        return worker_id in {one.id for one in await self._workers.find_silent(SILENT_FOR)}
