"""What every broker does, whichever it is."""

import asyncio

import pytest

from shared.broker.ports import Delivery, Outgoing
from shared.errors import BrokerUnavailable, Unroutable
from tests.support.brokers import Side, a_message, numbers_of, outgoing, silent, take_all
from tests.support.eventually import eventually


async def test_a_message_arrives_as_it_was_sent(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=10)
    await broker.publish(outgoing(side.names, 1))
    (delivery,) = await subscription.take(10)
    assert delivery.message == a_message(1)
    assert not delivery.is_repeat


async def test_messages_arrive_in_the_order_of_publishing(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=1000)
    await broker.publish(outgoing(side.names, *range(600)))
    assert numbers_of(await take_all(subscription, 600)) == list(range(600))


async def test_many_who_publish_at_once_lose_nothing(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=2000)
    await asyncio.gather(*(broker.publish(outgoing(side.names, number)) for number in range(1000)))
    assert sorted(numbers_of(await take_all(subscription, 1000))) == list(range(1000))


async def test_take_answers_no_more_than_the_limit(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=10)
    await broker.publish(outgoing(side.names, 1, 2, 3))
    assert len(await subscription.take(2)) <= 2


async def test_take_does_not_wait_for_more_than_the_first(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=10)
    taking = asyncio.ensure_future(subscription.take(10))
    await broker.publish(outgoing(side.names, 1))
    assert numbers_of(await taking) == [1]


async def test_an_acknowledged_message_never_comes_again(side: Side) -> None:
    broker, other = await side.connect(), await side.connect()
    first = await broker.subscribe(side.names.queue(), prefetch=10)
    await broker.publish(outgoing(side.names, 1, 2, 3, 4, 5))
    taken = await take_all(first, 5)
    await first.acknowledge([taken[0], taken[1], taken[3]])
    await first.close()
    second = await other.subscribe(side.names.queue(), prefetch=10)
    rest = await take_all(second, 2)
    assert sorted(numbers_of(rest)) == [3, 5]
    assert all(one.is_repeat for one in rest)
    assert await silent(second)


async def test_acknowledging_twice_is_harmless(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=2)
    await broker.publish(outgoing(side.names, 1, 2))
    taken = await take_all(subscription, 2)
    await subscription.acknowledge(taken)
    await subscription.acknowledge(taken)
    await broker.publish(outgoing(side.names, 3))
    assert numbers_of(await subscription.take(10)) == [3]


async def test_after_a_lost_connection_messages_come_again_as_repeats(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=10)
    await broker.publish(outgoing(side.names, 1, 2))
    before = await take_all(subscription, 2)
    await side.lose_connections(broker)
    after = await take_all(subscription, 2)
    assert sorted(numbers_of(after)) == [1, 2]
    assert all(one.is_repeat for one in after)
    await subscription.acknowledge(before)  # void
    await subscription.acknowledge(after)
    await eventually(lambda: broker.is_ready)
    await broker.publish(outgoing(side.names, 3))
    assert numbers_of(await subscription.take(10)) == [3]


async def test_the_publisher_marks_a_repeat(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=10)
    await broker.publish(outgoing(side.names, 1, is_repeat=True))
    (delivery,) = await subscription.take(10)
    assert delivery.is_repeat


async def test_a_message_without_a_queue_is_the_publishers_failure(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=10)
    batch = [*outgoing(side.names, 1), *outgoing(side.names, 2, key="nobody"), *outgoing(side.names, 3)]
    with pytest.raises(Unroutable, match="nobody") as raised:
        await broker.publish(batch)
    assert raised.value.context["message_ids"] == ["id-2"]
    assert numbers_of(await take_all(subscription, 2)) == [1, 3]


async def test_a_hint_without_a_queue_is_no_failure(side: Side) -> None:
    broker = await side.connect()
    await broker.declare(side.names.queue())
    await broker.publish([Outgoing(side.names.work, "nobody", a_message(), is_lossy=True)])


async def test_the_same_id_sent_many_times_at_once_is_told_apart(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=10)
    routed = [broker.publish(outgoing(side.names, 1)) for _ in range(3)]
    unrouted = [broker.publish(outgoing(side.names, 1, key="nobody")) for _ in range(3)]
    outcomes = await asyncio.gather(*routed, *unrouted, return_exceptions=True)
    assert outcomes[:3] == [None] * 3
    assert all(isinstance(one, Unroutable) for one in outcomes[3:])
    assert numbers_of(await take_all(subscription, 3)) == [1, 1, 1]


async def test_at_most_prefetch_messages_are_unacknowledged(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=2)
    await broker.publish(outgoing(side.names, 1, 2, 3, 4))
    first = await take_all(subscription, 2)
    assert await silent(subscription)
    await subscription.acknowledge(first[:1])
    assert numbers_of(await subscription.take(10)) == [3]
    assert await silent(subscription)


async def test_two_who_take_from_a_queue_share_it(side: Side) -> None:
    broker, other = await side.connect(), await side.connect()
    one = await broker.subscribe(side.names.queue(), prefetch=1)
    two = await other.subscribe(side.names.queue(), prefetch=1)
    await broker.publish(outgoing(side.names, 1, 2))
    assert sorted(numbers_of([*await one.take(10), *await two.take(10)])) == [1, 2]


async def test_what_is_given_back_goes_to_another_as_a_repeat(side: Side) -> None:
    broker, other = await side.connect(), await side.connect()
    one = await broker.subscribe(side.names.queue(), prefetch=1)
    await broker.publish(outgoing(side.names, 1))
    taken = await one.take(1)
    two = await other.subscribe(side.names.queue(), prefetch=1)
    await one.give_back(taken)
    await one.give_back(taken)
    await one.close()
    (again,) = await two.take(1)
    assert again.message == a_message(1)
    assert again.is_repeat


async def test_closing_a_subscription_answers_who_waits_with_nothing(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=10)
    taking = [asyncio.ensure_future(subscription.take(1)) for _ in range(2)]
    await asyncio.sleep(0)
    await subscription.close()
    assert await asyncio.gather(*taking) == [[], []]
    assert await subscription.take(1) == []
    await subscription.close()


async def test_closing_the_broker_ends_everything(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=10)
    taking = asyncio.ensure_future(subscription.take(1))
    readiness = [broker.is_ready]
    await broker.close()
    readiness.append(broker.is_ready)
    assert readiness == [True, False]
    assert await taking == []
    with pytest.raises(BrokerUnavailable):
        await broker.publish(outgoing(side.names, 1))
    with pytest.raises(BrokerUnavailable):
        await broker.subscribe(side.names.queue(), prefetch=1)
    await broker.close()


async def test_declaring_twice_is_harmless(side: Side) -> None:
    broker = await side.connect()
    await broker.declare(side.names.queue())
    await broker.declare(side.names.queue())
    await broker.publish(outgoing(side.names, 1))
    subscription = await broker.subscribe(side.names.queue(), prefetch=1)
    assert numbers_of(await subscription.take(1)) == [1]


async def test_a_delivery_of_another_subscription_is_not_acknowledged_here(side: Side) -> None:
    broker = await side.connect()
    one = await broker.subscribe(side.names.queue(), prefetch=1)
    two = await broker.subscribe(side.names.queue("other", key="other"), prefetch=1)
    await broker.publish([*outgoing(side.names, 1), *outgoing(side.names, 2, key="other")])
    first: list[Delivery] = await one.take(1)
    second = await two.take(1)
    await one.acknowledge(second)
    await one.close()
    await two.close()
    again = await broker.subscribe(side.names.queue(), prefetch=1)
    assert numbers_of(await again.take(1)) == numbers_of(first)
