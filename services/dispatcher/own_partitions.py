"""Which event partitions this dispatcher serves: a fair share, by lease."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from services.dispatcher.serve_partition import ServePartition
from shared.errors import Unavailable
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Lifecycle
from shared.storage.ports import PartitionStore
from shared.telemetry.metrics import PARTITIONS_OWNED

log = structlog.get_logger()

LEASE = timedelta(seconds=10)  # a dispatcher that was killed is replaced this soon
RENEWED_EVERY = timedelta(seconds=3)  # two renewals may fail
LOOK_EVERY = timedelta(seconds=1)  # for partitions that became free and dispatchers that came
Open = Callable[[int], Awaitable[ServePartition]]


class OwnPartitions:
    """Leases partitions and serves them.

    The lease makes it fast, not safe: two that serve one partition for a moment lose races against each other, no more.
    """

    def __init__(
        self, store: PartitionStore, open_partition: Open, clock: Clock, *, dispatcher_id: str, partitions: int
    ) -> None:
        self._store = store
        self._open = open_partition
        self._clock = clock
        self._id = dispatcher_id
        self._partitions = partitions
        self._served: dict[int, ServePartition] = {}
        self._renewed_at: datetime | None = None

    @property
    def numbers(self) -> set[int]:
        """The partitions that are served now."""
        return set(self._served)

    @property
    def troubles(self) -> dict[str, str]:
        """`{loop: why its last round failed}` of all partitions."""
        return {loop: trouble for each in self._served.values() for loop, trouble in each.troubles.items()}

    async def run(self, lifecycle: Lifecycle) -> None:
        """Own a fair share until the stop signal; then finish what is in hand and let the others have it."""
        async with asyncio.TaskGroup() as tasks:

            async def body() -> None:
                await self.look(tasks)
                await lifecycle.pause(LOOK_EVERY)

            await lifecycle.repeat("partitions.own", body)
            await self._give_up(self.numbers)
        try:
            await self._store.leave(self._id)
        except Unavailable as error:  # the leases run out by themselves
            log.warning("partitions.not_left", error=error.message)

    async def look(self, tasks: asyncio.TaskGroup) -> None:
        """Renew, give back what is too much, take what is free, drop what was lost.

        Raises:
            Unavailable: the database is down; what is served goes on, the compare-and-swap guards it.
        """
        live = await self._store.beat(self._id, LEASE)
        share = -(-self._partitions // max(live, 1))
        leased = await self._store.owned(self._id)
        if self._is_renewal_due():
            leased = {number for number in leased if await self._store.acquire(self._id, number, LEASE)}
            self._renewed_at = self._clock.now()
        surplus = set(sorted(leased)[share:])
        await self._give_up((self.numbers - leased) | surplus)
        for number in surplus:
            await self._store.release(self._id, number)
        leased -= surplus
        await self._take(share, leased)
        await self._serve(leased, tasks)

    def _is_renewal_due(self) -> bool:
        return self._renewed_at is None or self._clock.now() - self._renewed_at >= RENEWED_EVERY

    async def _take(self, share: int, leased: set[int]) -> None:
        """Take free partitions up to the share; in random order, so that two newcomers seldom want the same."""
        others = [number for number in range(self._partitions) if number not in leased]
        random.shuffle(others)
        for number in others:
            if len(leased) >= share:
                return
            if await self._store.acquire(self._id, number, LEASE):
                leased.add(number)

    async def _serve(self, leased: set[int], tasks: asyncio.TaskGroup) -> None:
        for number in sorted(leased - self.numbers):
            partition = await self._open(number)
            self._served[number] = partition
            tasks.create_task(partition.run(), name=f"partition.{number}")
            log.info("partition.taken", partition=number)
        PARTITIONS_OWNED.set(len(self._served))

    async def _give_up(self, numbers: set[int]) -> None:
        """Stop serving these, all at once: each may have a batch in hand."""
        stopping = [self._served.pop(number) for number in sorted(numbers)]
        await asyncio.gather(*(partition.stop() for partition in stopping))
        for partition in stopping:
            log.info("partition.given_up", partition=partition.number)
        PARTITIONS_OWNED.set(len(self._served))
