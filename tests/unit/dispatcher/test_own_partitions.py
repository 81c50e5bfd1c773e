"""Dispatchers share the partitions out among themselves."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from services.dispatcher.own_partitions import LEASE, RENEWED_EVERY, OwnPartitions
from services.dispatcher.serve_partition import open_partition
from shared.runtime.clock import ManualClock
from shared.runtime.lifecycle import Lifecycle
from tests.support.eventually import eventually
from tests.unit.orchestration.world import World, a_world

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ALL = set(range(8))


class Fleet:
    """Dispatchers on one database; `look_all` lets each look once."""

    def __init__(self, world: World, clock: ManualClock, tasks: asyncio.TaskGroup) -> None:
        self.world = world
        self.clock = clock
        self.tasks = tasks
        self.members: dict[str, OwnPartitions] = {}

    def add(self, name: str) -> OwnPartitions:
        """Another dispatcher."""
        opening = partial(open_partition, broker=self.world.broker, orchestrator=self.world.orchestrator_beside())
        store = self.world.storage.partitions
        self.members[name] = OwnPartitions(store, opening, self.clock, dispatcher_id=name, partitions=8)
        return self.members[name]

    async def look_all(self, times: int = 1) -> None:
        """Every second each of them looks."""
        for _ in range(times):
            for member in list(self.members.values()):
                await member.look(self.tasks)
            await self.clock.advance(timedelta(seconds=1))

    def owned(self) -> list[set[int]]:
        """What each serves."""
        return [member.numbers for member in self.members.values()]

    async def kill(self, name: str) -> None:
        """It is gone without a word."""
        member = self.members.pop(name)
        await member._give_up(member.numbers)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEGIN)


async def _close(fleet: Fleet) -> None:
    for name in list(fleet.members):
        await fleet.kill(name)


async def test_a_dispatcher_that_is_alone_owns_all_at_its_first_look(clock: ManualClock) -> None:
    async with asyncio.TaskGroup() as tasks:
        fleet = Fleet(await a_world(clock=clock), clock, tasks)
        fleet.add("a")
        await fleet.look_all()
        assert fleet.owned() == [ALL]
        await _close(fleet)


async def test_a_newcomer_gets_its_share(clock: ManualClock) -> None:
    async with asyncio.TaskGroup() as tasks:
        fleet = Fleet(await a_world(clock=clock), clock, tasks)
        fleet.add("a")
        await fleet.look_all()
        fleet.add("b")
        await fleet.look_all(3)
        first, second = fleet.owned()
        assert (len(first), len(second), first | second) == (4, 4, ALL)
        fleet.add("c")
        await fleet.look_all(4)
        assert sorted(len(each) for each in fleet.owned()) == [2, 3, 3]
        assert set().union(*fleet.owned()) == ALL
        await _close(fleet)


async def test_leases_are_renewed_for_as_long_as_their_owner_lives(clock: ManualClock) -> None:
    async with asyncio.TaskGroup() as tasks:
        fleet = Fleet(await a_world(clock=clock), clock, tasks)
        fleet.add("a")
        await fleet.look_all(3 * int(LEASE.total_seconds()))
        assert await fleet.world.storage.partitions.owned("a") == ALL
        assert RENEWED_EVERY * 3 < LEASE
        await _close(fleet)


async def test_the_partitions_of_a_dispatcher_that_was_killed_are_taken_over_when_its_leases_end(
    clock: ManualClock,
) -> None:
    async with asyncio.TaskGroup() as tasks:
        fleet = Fleet(await a_world(clock=clock), clock, tasks)
        fleet.add("a")
        fleet.add("b")
        await fleet.look_all(3)
        await fleet.kill("a")
        await fleet.look_all(2)
        assert len(fleet.owned()[0]) == 4
        await fleet.look_all(int(LEASE.total_seconds()) + 1)
        assert fleet.owned() == [ALL]
        await _close(fleet)


async def test_a_lease_that_was_lost_ends_the_serving(clock: ManualClock) -> None:
    async with asyncio.TaskGroup() as tasks:
        fleet = Fleet(await a_world(clock=clock), clock, tasks)
        sleeper = fleet.add("a")
        await fleet.look_all()
        await clock.advance(LEASE * 2)
        usurper = fleet.add("b")
        await usurper.look(tasks)
        assert usurper.numbers == ALL
        await sleeper.look(tasks)
        assert sleeper.numbers == set()
        await _close(fleet)


async def test_a_dispatcher_that_stops_leaves_its_partitions_to_the_others_at_once(clock: ManualClock) -> None:
    world = await a_world(clock=clock)
    async with asyncio.TaskGroup() as tasks:
        fleet = Fleet(world, clock, tasks)
        lifecycle = Lifecycle()
        leaver = fleet.add("a")
        task = tasks.create_task(leaver.run(lifecycle))
        await eventually(lambda: leaver.numbers == ALL)
        lifecycle.stopping.set()
        await task
        fleet.members.pop("a")
        fleet.add("b")
        await fleet.look_all()
        assert fleet.owned() == [ALL]
        await _close(fleet)
