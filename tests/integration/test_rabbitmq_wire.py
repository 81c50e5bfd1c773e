"""What RabbitMQ itself sees of a message."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aio_pika
import pytest
from pamqp.common import FieldTable

from shared.broker.ports import Broker, Outgoing
from shared.broker.topology import STEP_EXCHANGE, step_queue
from shared.errors import BrokerUnavailable
from tests.support.brokers import RabbitSide, a_message, outgoing, rabbit_side


@pytest.fixture
async def side(rabbitmq_url: str) -> AsyncIterator[RabbitSide]:
    """The broker to look at from outside."""
    async with rabbit_side(rabbitmq_url) as side:
        yield side


async def get(side: RabbitSide, queue: str) -> aio_pika.abc.AbstractIncomingMessage:
    """The next message, as any client sees it."""
    async with side._admin.channel() as channel:
        return await (await channel.get_queue(queue)).get(no_ack=True)
    raise AssertionError("unreachable")


async def test_a_message_carries_what_tools_need_to_tell_what_it_is(side: RabbitSide) -> None:
    broker = await side.connect()
    await broker.declare(side.names.queue())
    await broker.publish(outgoing(side.names, 7, is_repeat=True))
    seen = await get(side, side.names.queue().name)
    assert seen.message_id == "id-7"
    assert seen.correlation_id == "job"
    assert seen.type == "step.started"
    assert seen.content_type == "application/json"
    assert seen.timestamp == datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert seen.headers["x-headrace-repeat"] is True


async def test_steps_are_written_to_disk_and_hints_are_not(side: RabbitSide) -> None:
    broker = await side.connect()
    route = side.names.prefix
    await broker.declare(step_queue(route))
    await broker.declare(side.names.queue())
    await broker.publish([Outgoing(STEP_EXCHANGE, route, a_message(1)), *outgoing(side.names, 2)])
    modes = [(await get(side, name)).delivery_mode for name in (step_queue(route).name, side.names.queue().name)]
    async with side._admin.channel() as channel:
        await channel.queue_delete(step_queue(route).name)
    assert modes == [aio_pika.DeliveryMode.PERSISTENT, aio_pika.DeliveryMode.NOT_PERSISTENT]


async def test_a_message_that_the_broker_refuses_is_the_publishers_failure(side: RabbitSide) -> None:
    broker = await side.connect()
    await broker.declare(side.names.queue("other", key="other"))
    full: FieldTable = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}
    async with side._admin.channel() as channel:
        queue = await channel.declare_queue(side.names.queue().name, durable=True, arguments=full)
        await queue.bind(side.names.work.name, "key")
    with pytest.raises(BrokerUnavailable, match="Nack"):
        await publish_many(broker, side)  # a quorum queue notices a little late that it is full
    assert broker.is_ready


async def publish_many(broker: Broker, side: RabbitSide) -> None:
    """One after the other."""
    for number in range(50):
        await broker.publish(outgoing(side.names, number))
