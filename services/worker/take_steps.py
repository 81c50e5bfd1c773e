"""Takes steps of every route that this worker covers."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import structlog

from services.worker.routes import Coverage
from services.worker.slots import Slots
from services.worker.take_route import Handle, RouteTaker
from shared.broker.ports import Broker
from shared.runtime.lifecycle import Lifecycle
from shared.storage.ports import RouteStore

log = structlog.get_logger()


class StepTaker:
    """The routes of a worker: its own at once, the others as they are stored or announced."""

    def __init__(
        self, coverage: Coverage, broker: Broker, slots: Slots, handle: Handle, *, hold: timedelta, lifecycle: Lifecycle
    ) -> None:
        self._coverage = coverage
        self._broker = broker
        self.slots = slots
        self._handle = handle
        self._hold = hold
        self._lifecycle = lifecycle
        self._takers: dict[str, RouteTaker] = {}
        self._loops: set[asyncio.Task[None]] = set()
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def routes(self) -> tuple[str, ...]:
        """The routes that are taken from."""
        return tuple(sorted(self._takers))

    @property
    def unacknowledged(self) -> int:
        """How many deliveries are held."""
        return sum(taker.held for taker in self._takers.values())

    async def run(self, routes: RouteStore) -> None:
        """Take steps until `stop`; returns when the last of them is over."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self.add(self._coverage.own_routes)
            finding = tasks.create_task(self._find_stored(routes), name="routes")
            await self._lifecycle.stopping.wait()
            finding.cancel()
            await self._stop()
        for taker in self._takers.values():
            await taker.close()

    def add(self, routes: Iterable[str]) -> None:
        """Take from these too, as far as they are covered. Repeats: harmless."""
        if self._tasks is None or self._lifecycle.stopping.is_set():
            return
        for route in routes:
            if route not in self._takers and self._coverage.covers(route):
                log.info("route.taken", route=route)
                self._begin(route, self._tasks)

    def _begin(self, route: str, tasks: asyncio.TaskGroup) -> None:
        taker = RouteTaker(route, self._broker, self.slots, self._handle, hold=self._hold, steps=tasks)
        self._takers[route] = taker
        for name, body in ((f"steps.{route}", taker.take), (f"grow.{route}", taker.grow)):
            self._loops.add(tasks.create_task(self._lifecycle.repeat(name, body), name=name))

    async def _find_stored(self, routes: RouteStore) -> None:
        """Routes that were announced before this worker listened."""

        async def find() -> None:
            self.add(await routes.list_routes())
            await self._lifecycle.pause(timedelta(seconds=30))  # an announcement may have been missed

        await self._lifecycle.repeat("routes", find)

    async def _stop(self) -> None:
        for task in self._loops:
            task.cancel()
        await asyncio.wait(self._loops)
        await asyncio.gather(*(taker.stop() for taker in self._takers.values()))
