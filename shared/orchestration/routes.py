"""Queues for routes: made when the first step needs one, and made known to workers."""

from collections.abc import Iterable

import structlog
from uuid_utils import uuid7

from shared.broker.ports import Broker, Outgoing
from shared.broker.topology import CONTROL_EXCHANGE, step_queue
from shared.errors import Broken
from shared.messages.wire import RouteAddedMessage
from shared.runtime.clock import Clock
from shared.storage.ports import RouteStore

log = structlog.get_logger()


class Routes:
    """The routes that this process knows to have a queue."""

    def __init__(self, broker: Broker, store: RouteStore, clock: Clock) -> None:
        self._broker = broker
        self._store = store
        self._clock = clock
        self._known: set[str] = set()

    async def open(self, routes: Iterable[str]) -> set[str]:
        """Make sure that each has a queue that workers know; answers those that have one now.

        A queue that exists with other arguments is told and left out: its steps stay owed until somebody mends it.
        Repeats: the announcement goes out again, which workers take for nothing new.
        """
        wanted = set(routes)
        for route in sorted(wanted - self._known):
            try:
                await self._broker.declare(step_queue(route))
            except Broken as error:
                log.error("route.broken", route=route, error=error.message)  # noqa: TRY400 - the sentence says it all
                continue
            await self._store.add(route)
            await self._announce(route)
            self._known.add(route)
        return wanted & self._known

    def forget(self) -> None:
        """A queue has vanished: look again at each."""
        self._known.clear()

    async def _announce(self, route: str) -> None:
        message = RouteAddedMessage(id=str(uuid7()), occurred_at=self._clock.now(), route=route)
        await self._broker.publish([Outgoing(CONTROL_EXCHANGE, "all", message, is_lossy=True)])
