"""How many messages a subscription may hold can change while it runs, whichever the broker is."""

from tests.support.brokers import Side, numbers_of, outgoing, silent, take_all


async def test_a_paused_subscription_takes_nothing_until_it_is_resized(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=1)
    await subscription.resize(0)
    await broker.publish(outgoing(side.names, 1))
    assert await silent(subscription)
    assert broker.is_ready
    await subscription.resize(1)
    assert numbers_of(await subscription.take(1)) == [1]


async def test_the_new_number_counts_beside_what_is_in_hand(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=2)
    await broker.publish(outgoing(side.names, 1, 2, 3, 4))
    in_hand = await take_all(subscription, 2)
    await subscription.resize(1)
    assert numbers_of(await subscription.take(10)) == [3]
    await subscription.acknowledge(in_hand)
    assert await silent(subscription)


async def test_what_was_in_hand_before_can_be_acknowledged_after(side: Side) -> None:
    broker, other = await side.connect(), await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=2)
    await broker.publish(outgoing(side.names, 1, 2))
    in_hand = await take_all(subscription, 2)
    await subscription.resize(0)
    await subscription.acknowledge(in_hand)
    await subscription.close()
    assert await silent(await other.subscribe(side.names.queue(), prefetch=1))


async def test_the_new_number_holds_after_a_lost_connection(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=1)
    await subscription.resize(2)
    await subscription.resize(3)
    await broker.publish(outgoing(side.names, 1, 2, 3, 4))
    await take_all(subscription, 3)
    await side.lose_connections(broker)
    assert all(one.is_repeat for one in await take_all(subscription, 3))
    assert await silent(subscription)
