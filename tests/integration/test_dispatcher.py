"""The dispatcher on the real broker and database, with a worker that only echoes."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aio_pika
import pytest
from pymongo import MongoClient

from shared.broker.rabbit import RabbitBroker, connect
from shared.broker.topology import DEAD_QUEUE, EVENT_EXCHANGE, Exchange, event_queue, step_queue
from shared.engine.states import JobStatus, Outcome, StepStatus
from shared.orchestration.sweep import resend_owed
from shared.storage import client
from shared.storage.client import MongoStorage
from tests.support.eventually import eventually
from tests.support.orchestration import (
    EchoWorker,
    a_new_job,
    an_orchestrator,
    chain,
    dispatching,
    job_ended,
    put_workspace,
    running,
)

PARTITIONS = 4
QUEUES = [DEAD_QUEUE, step_queue("script"), *(event_queue(number) for number in range(PARTITIONS))]
DIAMOND = """
tasks:
  diamond:
    flow:
      top: {type: script, script: x}
      left: {type: script, script: x, depends_on: [top]}
      right: {type: script, script: x, depends_on: [top]}
      end: {type: script, script: x, depends_on: [left, right]}
"""


@pytest.fixture
async def storage(mongo_url: str) -> AsyncIterator[MongoStorage]:
    """A database of the test's own."""
    name = f"test_{secrets.token_hex(6)}"
    storage = await client.connect(mongo_url, name)
    yield storage
    await storage.close()
    with MongoClient[dict[str, object]](mongo_url, serverSelectionTimeoutMS=5000, timeoutMS=30_000) as admin:
        admin.drop_database(name)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[RabbitBroker]:
    """Another process's broker."""
    broker = await connect(url, name="test", partitions=PARTITIONS)
    try:
        yield broker
    finally:
        await broker.close()


@pytest.fixture
async def broker(rabbitmq_url: str) -> AsyncIterator[RabbitBroker]:
    """A broker with nothing left over in its queues."""
    async with connected(rabbitmq_url) as broker:
        await _empty(rabbitmq_url)
        yield broker
    await _empty(rabbitmq_url)


async def _empty(url: str) -> None:
    async with await aio_pika.connect(url) as admin:
        for queue in QUEUES:
            async with admin.channel() as channel:
                try:
                    await (await channel.get_queue(queue.name)).purge()
                except aio_pika.exceptions.ChannelNotFoundEntity:
                    continue


async def test_a_job_goes_through_its_steps_and_completes(storage: MongoStorage, broker: RabbitBroker) -> None:
    await put_workspace(storage, DIAMOND)
    creator = an_orchestrator(storage, broker, partitions=PARTITIONS)
    async with (
        dispatching(storage, broker, partitions=PARTITIONS),
        running(creator),
        EchoWorker(broker, PARTITIONS).working() as worker,
    ):
        job = await creator.create(a_new_job("diamond"))
        ended = await job_ended(storage, job.id)
    assert ended.status is JobStatus.COMPLETED
    assert ended.output == {"end": {"step": "end"}}
    assert [step for _, step, _ in worker.seen] in (["top", "left", "right", "end"], ["top", "right", "left", "end"])


async def test_a_failure_fails_the_job_and_skips_what_depends_on_it(
    storage: MongoStorage, broker: RabbitBroker
) -> None:
    await put_workspace(storage, chain(3))
    creator = an_orchestrator(storage, broker, partitions=PARTITIONS)
    fails = EchoWorker(broker, PARTITIONS, lambda run: Outcome.FAILED if run.step == "s1" else Outcome.COMPLETED)
    async with dispatching(storage, broker, partitions=PARTITIONS), running(creator), fails.working():
        job = await creator.create(a_new_job())
        ended = await job_ended(storage, job.id)
    assert ended.status is JobStatus.FAILED
    assert [step.status for step in ended.steps.values()] == [
        StepStatus.COMPLETED,
        StepStatus.FAILED,
        StepStatus.SKIPPED,
    ]


async def test_many_jobs_at_once_all_end_and_run_each_step_once(storage: MongoStorage, broker: RabbitBroker) -> None:
    await put_workspace(storage, chain(3))
    creator = an_orchestrator(storage, broker, partitions=PARTITIONS)
    async with (
        dispatching(storage, broker, partitions=PARTITIONS),
        running(creator),
        EchoWorker(broker, PARTITIONS).working() as worker,
    ):
        jobs = await asyncio.gather(*(creator.create(a_new_job()) for _ in range(40)))
        ended = [await job_ended(storage, job.id) for job in jobs]
    assert {job.status for job in ended} == {JobStatus.COMPLETED}
    assert len(worker.seen) == len(set(worker.seen)) == 120


async def test_a_second_dispatcher_takes_over_from_one_that_stops(
    storage: MongoStorage, broker: RabbitBroker, rabbitmq_url: str
) -> None:
    await put_workspace(storage, chain(20))
    creator = an_orchestrator(storage, broker, partitions=PARTITIONS)
    async with connected(rabbitmq_url) as other, running(creator), EchoWorker(broker, PARTITIONS).working():
        async with dispatching(storage, broker, partitions=PARTITIONS) as first:
            await eventually(lambda: len(first.own_partitions.numbers) == PARTITIONS)
            jobs = [await creator.create(a_new_job()) for _ in range(5)]
        async with dispatching(storage, other, partitions=PARTITIONS):
            ended = [await job_ended(storage, job.id) for job in jobs]
    assert {job.status for job in ended} == {JobStatus.COMPLETED}


async def test_a_creator_that_dies_before_it_publishes_is_made_up_for_by_the_sweep(
    storage: MongoStorage, broker: RabbitBroker
) -> None:
    """Its relay never ran: only the outbox knows of the first step."""
    await put_workspace(storage, chain(2))
    job = await an_orchestrator(storage, broker, partitions=PARTITIONS).create(a_new_job())
    survivor = an_orchestrator(storage, broker, partitions=PARTITIONS)
    async with dispatching(storage, broker, partitions=PARTITIONS), EchoWorker(broker, PARTITIONS).working() as worker:

        async def is_resent() -> bool:
            return await resend_owed(storage.jobs, survivor, older_than=timedelta(milliseconds=100)) > 0

        await eventually(is_resent)
        ended = await job_ended(storage, job.id)
    assert ended.status is JobStatus.COMPLETED
    assert worker.deliveries[0].is_repeat


async def test_connections_that_break_cost_nothing(storage: MongoStorage, broker: RabbitBroker) -> None:
    await put_workspace(storage, chain(10))
    creator = an_orchestrator(storage, broker, partitions=PARTITIONS)
    async with (
        dispatching(storage, broker, partitions=PARTITIONS),
        running(creator),
        EchoWorker(broker, PARTITIONS).working() as worker,
    ):
        jobs = [await creator.create(a_new_job()) for _ in range(3)]
        await eventually(lambda: len(worker.seen) > 5)
        broker._inbound.cut()
        ended = [await job_ended(storage, job.id) for job in jobs]
    assert {job.status for job in ended} == {JobStatus.COMPLETED}


async def test_what_is_no_event_lies_dead_with_its_reason_and_the_queue_goes_on(
    storage: MongoStorage, broker: RabbitBroker, rabbitmq_url: str
) -> None:
    await put_workspace(storage, chain(1))
    creator = an_orchestrator(storage, broker, partitions=PARTITIONS)
    async with (
        dispatching(storage, broker, partitions=PARTITIONS),
        running(creator),
        EchoWorker(broker, PARTITIONS).working(),
    ):
        for number in range(PARTITIONS):
            await _put(rabbitmq_url, EVENT_EXCHANGE, str(number), b"not json")
        job = await creator.create(a_new_job())
        assert (await job_ended(storage, job.id)).status is JobStatus.COMPLETED
    async with await aio_pika.connect(rabbitmq_url) as admin:
        channel = await admin.channel()
        dead = await eventually(lambda: _count(channel, DEAD_QUEUE.name))
    assert dead == PARTITIONS


async def _put(url: str, exchange: Exchange, key: str, body: bytes) -> None:
    async with await aio_pika.connect(url) as admin, admin.channel() as channel:
        await (await channel.get_exchange(exchange.name)).publish(aio_pika.Message(body), key)


async def _count(channel: aio_pika.abc.AbstractChannel, name: str) -> int:
    queue = await channel.declare_queue(name, passive=True)
    count = queue.declaration_result.message_count or 0
    return count if count == PARTITIONS else 0
