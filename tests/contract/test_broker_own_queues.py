"""A process's own queue, whichever the broker is."""

import asyncio

import pytest

from shared.broker.ports import Broker, Outgoing, Subscription
from shared.errors import Unroutable
from tests.support.brokers import Side, a_message, numbers_of, take_all
from tests.support.eventually import eventually


async def test_an_own_queue_gets_only_what_it_is_bound_to(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.own_queue("worker.7", "all"), prefetch=10)
    for number, key in enumerate(["worker.8", "all", "worker.7"]):
        await broker.publish([Outgoing(side.names.news, key, a_message(number), is_lossy=True)])
    assert numbers_of(await take_all(subscription, 2)) == [1, 2]


async def test_keys_with_wildcards_match_words(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.own_queue("job.*", "step.#"), prefetch=10)
    keys = ["job", "job.changed", "job.changed.late", "step", "step.changed", "step.changed.late"]
    for number, key in enumerate(keys):
        await broker.publish([Outgoing(side.names.news, key, a_message(number), is_lossy=True)])
    assert numbers_of(await take_all(subscription, 4)) == [1, 3, 4, 5]


async def test_every_own_queue_gets_a_copy(side: Side) -> None:
    broker, other = await side.connect(), await side.connect()
    subscriptions = [await one.subscribe(side.names.own_queue("all"), prefetch=10) for one in (broker, other)]
    await broker.publish([Outgoing(side.names.news, "all", a_message(1))])
    for subscription in subscriptions:
        assert numbers_of(await subscription.take(10)) == [1]


async def test_a_key_is_received_from_bind_to_unbind_also_over_a_lost_connection(side: Side) -> None:
    broker, other = await side.connect(), await side.connect()
    subscription = await broker.subscribe(side.names.own_queue(), prefetch=10)
    await subscription.bind("job-1")
    await subscription.bind("job-1")
    await other.publish([Outgoing(side.names.news, "job-1", a_message(1))])
    assert numbers_of(await subscription.take(10)) == [1]
    await side.lose_connections(broker)
    await eventually(lambda: _sent_and_taken(other, subscription, Outgoing(side.names.news, "job-1", a_message(2))))
    await subscription.unbind("job-1")
    await subscription.unbind("job-1")
    with pytest.raises(Unroutable):
        await other.publish([Outgoing(side.names.news, "job-1", a_message(3))])


async def _sent_and_taken(broker: Broker, subscription: Subscription, message: Outgoing) -> bool:
    """Send it and see whether it arrives; the queue of the lost connection may still be there and swallow it."""
    try:
        await broker.publish([message])
        async with asyncio.timeout(0.5):
            return (await subscription.take(1))[0].message == message.message
    except (Unroutable, TimeoutError):
        return False


async def test_an_own_queue_is_gone_when_its_subscription_is_closed(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.own_queue("all"), prefetch=10)
    await subscription.close()
    with pytest.raises(Unroutable):
        await broker.publish([Outgoing(side.names.news, "all", a_message(1))])
