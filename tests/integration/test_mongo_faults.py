"""MongoDB goes away in every way there is, and comes back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from yarl import URL

from shared.engine.commands import Command
from shared.errors import Broken, Rejected, StoreUnavailable
from shared.storage.client import MongoStorage, connect
from shared.storage.records import StoredJob
from tests.support.eventually import eventually
from tests.support.proxy import Proxy, proxied
from tests.support.storages import a_command, a_job, a_save, mongo_storage, put_job, read_job

IMPATIENT = timedelta(seconds=1.5)
SOON = timedelta(seconds=6)  # a call fails or works again this soon


def directly(url: str) -> str:
    """The URL that makes the driver stay with this address."""
    return str(URL(url).update_query(directConnection="true"))


@pytest.fixture
async def proxy_and_storage(mongo_url: str) -> AsyncIterator[tuple[Proxy, MongoStorage]]:
    """Stores behind a proxy of their own."""
    async with proxied(mongo_url) as (proxy, url), mongo_storage(directly(url), deadline=IMPATIENT) as storage:
        yield proxy, storage
        proxy.accept()
        proxy.restore()
        proxy.cut()


async def is_well(storage: MongoStorage) -> bool:
    try:
        await storage.jobs.count_by_status()
    except StoreUnavailable:
        return False
    return True


@pytest.mark.parametrize("fault", ["refuse", "swallow"])
async def test_calls_fail_in_time_while_the_database_is_away_and_work_again(
    proxy_and_storage: tuple[Proxy, MongoStorage], fault: str
) -> None:
    proxy, storage = proxy_and_storage
    job = (await put_job(storage, a_job())).job
    getattr(proxy, fault)()
    async with asyncio.timeout(SOON.total_seconds()):
        with pytest.raises(StoreUnavailable):
            await storage.jobs.save([a_save(job)])
        with pytest.raises(StoreUnavailable):
            await storage.ping()
    proxy.accept()
    proxy.restore()
    proxy.cut()
    await eventually(lambda: is_well(storage), within=SOON)
    assert (await read_job(storage, job.id)).job == job


async def test_disconnecting_from_a_database_that_hangs_ends_in_time(
    proxy_and_storage: tuple[Proxy, MongoStorage],
) -> None:
    proxy, storage = proxy_and_storage
    await storage.ping()
    proxy.swallow()
    async with asyncio.timeout(SOON.total_seconds()):
        await storage.close()


async def test_a_call_after_disconnecting_says_so(mongo_url: str) -> None:
    async with mongo_storage(mongo_url) as storage:
        await storage.close()
        await storage.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await storage.routes.list_routes()


async def test_connecting_to_nothing_fails_in_time(mongo_url: str) -> None:
    async with proxied(mongo_url) as (proxy, url):
        proxy.refuse()
        async with asyncio.timeout(SOON.total_seconds()):
            with pytest.raises(StoreUnavailable):
                await connect(directly(url), "nothing", deadline=IMPATIENT)


async def test_saves_over_a_breaking_connection_are_kept_whole_or_not_at_all(
    proxy_and_storage: tuple[Proxy, MongoStorage],
) -> None:
    proxy, storage = proxy_and_storage
    job = (await put_job(storage, a_job())).job
    before: tuple[Command, ...] = ()
    for number in range(25):
        save = a_save(job, a_command(job, kind=str(number)), reason=str(number))
        saving = asyncio.ensure_future(storage.jobs.save([save]))
        await _let_run(number % 5 * 40)
        proxy.cut()
        kept = await _wait_for(saving)
        await eventually(lambda: is_well(storage), within=SOON)
        stored = await read_job(storage, job.id)
        assert stored in (StoredJob(job, before), StoredJob(save.job, save.outbox))
        assert kept in (None, stored.job == save.job)
        job, before = stored.job, stored.outbox
    assert job.version > 0


async def test_inserts_over_a_breaking_connection_know_their_own(
    proxy_and_storage: tuple[Proxy, MongoStorage],
) -> None:
    proxy, storage = proxy_and_storage
    answers = []
    for number in range(25):
        inserting = asyncio.ensure_future(storage.jobs.insert([StoredJob(a_job(number))]))
        await _let_run(number % 5 * 40)
        proxy.cut()
        answers.append(await _wait_for(inserting))
        await eventually(lambda: is_well(storage), within=SOON)
    assert set(answers) <= {True, None}
    assert True in answers


async def _let_run(turns: int) -> None:
    """Give others the event loop, so that the next fault meets them a little later."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def _wait_for(writing: asyncio.Future[list[bool]]) -> bool | None:
    """Whether it was kept; None: unknown."""
    try:
        return (await writing)[0]
    except StoreUnavailable:
        return None


async def test_what_was_lost_on_the_way_can_be_said_again(proxy_and_storage: tuple[Proxy, MongoStorage]) -> None:
    proxy, storage = proxy_and_storage
    stored = StoredJob(a_job(), (a_command(a_job()),))
    proxy.swallow()
    with pytest.raises(StoreUnavailable):
        await storage.jobs.insert([stored])
    proxy.restore()
    proxy.cut()
    await eventually(lambda: is_well(storage), within=SOON)
    await storage.jobs.insert([stored])
    assert await read_job(storage, stored.job.id) == stored


@pytest.mark.parametrize("url", ["http://user:hush@127.0.0.1/", "mongodb://", "mongodb://user:hush@h:x/", ""])
async def test_a_url_without_sense_is_told_without_its_secrets(url: str) -> None:
    with pytest.raises(Rejected, match="HEADRACE_MONGO_URL") as told:
        await connect(url, "nothing")
    assert "hush" not in str(told.value)
    assert told.value.__cause__ is None


async def test_a_job_that_is_too_large_is_told_so(mongo_url: str) -> None:
    async with mongo_storage(mongo_url) as storage:
        huge = "x" * (17 * 2**20)
        with pytest.raises(Rejected):
            await storage.jobs.insert([StoredJob(a_job(input={"text": huge}))])
        job = (await put_job(storage, a_job())).job
        with pytest.raises(Rejected):
            await storage.jobs.save([a_save(job, output={"text": huge})])
        assert (await read_job(storage, job.id)).job == job


async def test_what_is_no_text_is_told_so(mongo_url: str) -> None:
    async with mongo_storage(mongo_url) as storage:
        with pytest.raises(Rejected):
            await storage.jobs.insert([StoredJob(a_job(reason="half a pair: \ud800"))])


async def test_an_index_of_another_shape_stops_the_start(mongo_url: str) -> None:
    async with mongo_storage(mongo_url) as storage:
        timers = storage._database["timers"]
        await timers.drop_index("by_due")
        await timers.create_index([("job_id", -1)], name="by_due")
        with pytest.raises(Broken):
            await storage.create_indexes()
