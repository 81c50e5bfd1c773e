"""What RabbitMQ has must be what the topology says."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aio_pika import ExchangeType

from shared.broker.rabbit import RabbitBroker, connect
from shared.broker.topology import DEAD_QUEUE, Queue, partition_queues
from shared.errors import Broken, BrokerUnavailable, Rejected
from shared.runtime.clock import SystemClock
from tests.support.brokers import QUICK, RabbitSide, outgoing, rabbit_side


@pytest.fixture
async def side(rabbitmq_url: str) -> AsyncIterator[RabbitSide]:
    """The broker to look at from outside."""
    async with rabbit_side(rabbitmq_url) as side:
        yield side


async def start_with(url: str, *queues: Queue) -> None:
    """What a service does that has these queues in its topology."""
    broker = RabbitBroker(url, name="declare", queues=queues, clock=SystemClock(), timings=QUICK)
    try:
        await broker.start()
    finally:
        await broker.close()


async def test_after_the_start_every_queue_is_there(side: RabbitSide) -> None:
    await (await side.connect()).publish([])
    async with side._admin.channel() as channel:
        for queue in partition_queues(1):
            await channel.get_queue(queue.name)


async def test_two_processes_may_start_at_once(rabbitmq_url: str, side: RabbitSide) -> None:
    queue = side.names.queue()
    await start_with(rabbitmq_url, DEAD_QUEUE, queue)
    await start_with(rabbitmq_url, DEAD_QUEUE, queue)


async def test_a_queue_of_another_type_stops_the_start_with_its_name_and_the_difference(
    rabbitmq_url: str, side: RabbitSide
) -> None:
    queue = side.names.queue()
    async with side._admin.channel() as channel:
        classic = {"x-queue-type": "classic", "x-dead-letter-exchange": "headrace.dead"}
        await channel.declare_queue(queue.name, durable=True, arguments={**classic})
    with pytest.raises(Broken, match=rf"queue {queue.name} .*x-queue-type.*quorum") as raised:
        await start_with(rabbitmq_url, queue)
    assert raised.value.context == {"queue": queue.name}


async def test_a_queue_with_another_dead_letter_exchange_is_refused(side: RabbitSide) -> None:
    broker = await side.connect()
    queue = side.names.queue()
    await broker.declare(queue)
    with pytest.raises(Broken, match="x-dead-letter-exchange"):
        await broker.declare(replace(queue, dead_letter_to=None))
    with pytest.raises(Broken, match="x-dead-letter-exchange"):
        await broker.subscribe(replace(queue, dead_letter_to=None), prefetch=1)
    await broker.publish(outgoing(side.names, 1))
    assert broker.is_ready


async def test_an_exchange_of_another_type_is_refused(side: RabbitSide) -> None:
    broker = await side.connect()
    async with side._admin.channel() as channel:
        await channel.declare_exchange(side.names.work.name, ExchangeType.TOPIC, durable=True)
    with pytest.raises(Broken, match=rf"exchange {side.names.work.name} .*direct"):
        await broker.declare(side.names.queue())


async def test_a_wrong_password_is_told_without_the_password(rabbitmq_url: str) -> None:
    url = rabbitmq_url.replace("guest:guest@", "guest:not-the-secret@")
    quick = replace(QUICK, patience=QUICK.first_delay)
    with pytest.raises(BrokerUnavailable, match="ACCESS_REFUSED") as raised:
        await connect(url, name="stranger", partitions=1, timings=quick)
    assert "not-the-secret" not in str(raised.value)


@pytest.mark.parametrize("url", ["", "rabbit", "http://127.0.0.1:5672/", "amqp://", "amqp://host:port/", "amqp:///x"])
async def test_an_address_that_makes_no_sense_is_told_at_once(url: str) -> None:
    with pytest.raises(Rejected, match="address"):
        await connect(url, name="nowhere", partitions=1)
