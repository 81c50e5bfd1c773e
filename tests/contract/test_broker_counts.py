"""How many messages wait, whichever the broker is."""

from tests.support.brokers import Side, outgoing
from tests.support.eventually import eventually


async def test_what_waits_is_counted_what_is_in_hand_is_not(side: Side) -> None:
    broker = await side.connect()
    queue = side.names.queue()
    assert await broker.count(queue) == 0
    await broker.declare(queue)
    await broker.publish(outgoing(side.names, 1, 2, 3))

    async def wait() -> bool:
        return await broker.count(queue) == 3

    async def one_is_taken() -> bool:
        return await broker.count(queue) == 2

    await eventually(wait)
    subscription = await broker.subscribe(queue, prefetch=1)
    await subscription.take(1)
    await eventually(one_is_taken)


async def test_counting_an_unknown_queue_breaks_nothing(side: Side) -> None:
    broker = await side.connect()
    await broker.declare(side.names.queue())
    assert await broker.count(side.names.queue("nowhere")) == 0
    await broker.publish(outgoing(side.names, 1))
