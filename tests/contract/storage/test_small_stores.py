"""What every store of leases, fires, routes and idempotency keys does."""

import asyncio
from datetime import timedelta

import pytest

from shared.errors import Broken
from shared.storage.ports import Storage
from tests.support.storages import NOON

LEASE = timedelta(minutes=5)
OVER = timedelta(seconds=-1)
"""A lease that has ended when it is given."""


async def test_the_first_service_sets_the_number_of_partitions(storage: Storage) -> None:
    await storage.partitions.check_count(8)
    await storage.partitions.check_count(8)
    with pytest.raises(Broken, match="8 partitions, this service for 16"):
        await storage.partitions.check_count(16)


async def test_living_dispatchers_are_counted(storage: Storage) -> None:
    assert await storage.partitions.beat("d1", LEASE) == 1
    assert await storage.partitions.beat("d1", LEASE) == 1
    assert await storage.partitions.beat("d2", LEASE) == 2
    assert await storage.partitions.beat("d2", OVER) == 1
    await storage.partitions.leave("d1")
    await storage.partitions.leave("d1")
    assert await storage.partitions.beat("d2", LEASE) == 1


async def test_a_lease_is_one_dispatchers_until_it_ends(storage: Storage) -> None:
    assert await storage.partitions.acquire("d1", 3, LEASE)
    assert not await storage.partitions.acquire("d2", 3, LEASE)
    assert await storage.partitions.acquire("d1", 3, LEASE)
    assert await storage.partitions.owned("d1") == {3}
    assert await storage.partitions.owned("d2") == set()


async def test_a_lease_that_ended_is_free(storage: Storage) -> None:
    assert await storage.partitions.acquire("d1", 3, OVER)
    assert await storage.partitions.owned("d1") == set()
    assert await storage.partitions.acquire("d2", 3, LEASE)
    assert not await storage.partitions.acquire("d1", 3, LEASE)
    assert await storage.partitions.owned("d2") == {3}


async def test_of_many_who_want_a_lease_one_gets_it(storage: Storage) -> None:
    names = [f"d{number}" for number in range(8)]
    answers = await asyncio.gather(*(storage.partitions.acquire(name, 1, LEASE) for name in names))
    assert answers.count(True) == 1
    assert await storage.partitions.owned(names[answers.index(True)]) == {1}


async def test_only_ones_own_lease_is_given_back(storage: Storage) -> None:
    await storage.partitions.acquire("d1", 1, LEASE)
    await storage.partitions.release("d2", 1)
    assert await storage.partitions.owned("d1") == {1}
    await storage.partitions.release("d1", 1)
    await storage.partitions.release("d1", 1)
    assert await storage.partitions.acquire("d2", 1, LEASE)


async def test_who_leaves_gives_all_leases_back(storage: Storage) -> None:
    for partition in (0, 1):
        await storage.partitions.acquire("d1", partition, LEASE)
    await storage.partitions.acquire("d2", 2, LEASE)
    await storage.partitions.leave("d1")
    assert await storage.partitions.acquire("d2", 0, LEASE)
    assert await storage.partitions.owned("d2") == {0, 2}


async def test_the_number_of_partitions_outlives_leases(storage: Storage) -> None:
    await storage.partitions.check_count(8)
    await storage.partitions.acquire("d1", 0, LEASE)
    await storage.partitions.leave("d1")
    with pytest.raises(Broken):
        await storage.partitions.check_count(9)


async def test_a_fire_time_never_goes_back(storage: Storage) -> None:
    assert await storage.fires.load_fired_until() == {}
    for seconds in (5, 9, 9, 7):
        await storage.fires.advance("demo/every.$minute", NOON + timedelta(seconds=seconds))
    await storage.fires.advance("demo/other", NOON)
    assert await storage.fires.load_fired_until() == {
        "demo/every.$minute": NOON + timedelta(seconds=9),
        "demo/other": NOON,
    }


async def test_fire_times_at_once_end_in_the_latest(storage: Storage) -> None:
    await asyncio.gather(*(storage.fires.advance("demo/cron", NOON + timedelta(seconds=n)) for n in range(8)))
    assert await storage.fires.load_fired_until() == {"demo/cron": NOON + timedelta(seconds=7)}


async def test_a_paused_trigger_stays_so_until_it_is_resumed(storage: Storage) -> None:
    assert await storage.fires.load_paused() == set()
    for seconds in (1, 2):
        await storage.fires.pause("demo/cron", NOON + timedelta(seconds=seconds))
    await storage.fires.pause("demo/hook", NOON)
    assert await storage.fires.load_paused() == {"demo/cron", "demo/hook"}
    for _ in range(2):
        await storage.fires.resume("demo/cron")
    assert await storage.fires.load_paused() == {"demo/hook"}
    assert await storage.fires.load_fired_until() == {}


async def test_a_route_is_new_once(storage: Storage) -> None:
    answers = await asyncio.gather(*(storage.routes.add("script.gpu") for _ in range(4)))
    assert sorted(answers) == [False, False, False, True]
    assert await storage.routes.add("script")
    assert await storage.routes.list_routes() == ["script", "script.gpu"]


async def test_a_key_keeps_its_first_answer(storage: Storage) -> None:
    assert await storage.idempotency.claim("key-1", "digest-1", "job-1") == ("digest-1", "job-1")
    assert await storage.idempotency.claim("key-1", "digest-2", "job-2") == ("digest-1", "job-1")
    assert await storage.idempotency.claim("key-2", "digest-2", "job-2") == ("digest-2", "job-2")


async def test_all_who_claim_a_key_at_once_get_one_answer(storage: Storage) -> None:
    claims = [storage.idempotency.claim("key", f"digest-{number}", f"job-{number}") for number in range(6)]
    assert len(set(await asyncio.gather(*claims))) == 1


async def test_the_database_answers(storage: Storage) -> None:
    await storage.ping()
