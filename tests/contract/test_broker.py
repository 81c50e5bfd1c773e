"""What every broker does, whichever it is."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.broker.ports import Broker, Delivery, Outgoing, Subscription
from shared.broker.topology import DEAD_QUEUE
from shared.errors import BrokerUnavailable, Rejected, Unroutable
from tests.support.brokers import MemorySide, Side, a_message, numbers_of, outgoing, rabbit_side, silent, take_all
from tests.support.eventually import eventually


@pytest.fixture(params=["memory", "rabbit"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    """The broker under test."""
    if request.param == "memory":
        yield MemorySide()
        return
    async with rabbit_side(request.getfixturevalue("rabbitmq_url")) as rabbit:
        yield rabbit


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


async def test_a_dead_letter_keeps_its_reason_and_is_gone_from_the_queue(side: Side) -> None:
    broker, other = await side.connect(), await side.connect()
    queue = side.names.queue()
    subscription = await broker.subscribe(queue, prefetch=10)
    await broker.publish(outgoing(side.names, 1))
    (delivery,) = await subscription.take(1)
    await subscription.dead_letter(delivery, "nobody knows this job")
    await subscription.dead_letter(delivery, "nobody knows this job")
    ((_, headers),) = await eventually(lambda: side.dead(queue))
    assert headers == {
        "x-headrace-reason": "nobody knows this job",
        "x-headrace-exchange": side.names.work.name,
        "x-headrace-key": "key",
        "x-headrace-queue": queue.name,
    }
    await subscription.close()
    assert await silent(await other.subscribe(queue, prefetch=10))


@pytest.mark.parametrize("body", [b"", b"\x80\x04K\x01.", b"{}", b'{"type": "step.unheard", "version": 1}'])
async def test_a_body_that_nobody_can_read_is_put_aside_and_the_queue_goes_on(side: Side, body: bytes) -> None:
    broker = await side.connect()
    queue = side.names.queue()
    subscription = await broker.subscribe(queue, prefetch=1)
    await side.put(side.names.work, "key", body)
    await broker.publish(outgoing(side.names, 1))
    assert numbers_of(await subscription.take(10)) == [1]
    ((kept, headers),) = await eventually(lambda: side.dead(queue))
    assert kept == body
    assert headers["x-headrace-reason"]


async def test_a_reader_passes_over_fields_it_does_not_know(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=1)
    body = a_message(1).model_dump_json().replace("{", '{"new_field": [1], ', 1)
    await side.put(side.names.work, "key", body.encode())
    (delivery,) = await subscription.take(1)
    assert delivery.message == a_message(1)


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


async def test_a_message_over_the_limit_is_rejected_with_its_size_and_none_is_sent(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=10)
    huge = a_message(2).model_copy(update={"step": "x" * 17_000_000})
    with pytest.raises(Rejected, match="17000") as raised:
        await broker.publish([*outgoing(side.names, 1), Outgoing(side.names.work, "key", huge)])
    assert raised.value.context["limit_bytes"] == 16 * 1024 * 1024
    assert await silent(subscription)


async def test_a_large_message_arrives_whole(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=10)
    large = a_message(1).model_copy(update={"step": "é" * 1_000_000})
    await broker.publish([Outgoing(side.names.work, "key", large)])
    (delivery,) = await subscription.take(1)
    assert delivery.message == large


async def test_an_id_longer_than_the_broker_has_room_for_arrives_whole(side: Side) -> None:
    broker = await side.connect()
    subscription = await broker.subscribe(side.names.queue(), prefetch=10)
    message = a_message(1).model_copy(update={"id": "i" * 300, "correlation_id": "c" * 300})
    await broker.publish([Outgoing(side.names.work, "key", message)])
    (delivery,) = await subscription.take(1)
    assert delivery.message == message


async def test_a_key_longer_than_the_broker_takes_is_rejected(side: Side) -> None:
    broker = await side.connect()
    with pytest.raises(Rejected, match="255"):
        await broker.publish(outgoing(side.names, 1, key="k" * 256))


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


async def test_nobody_subscribes_to_the_dead(side: Side) -> None:
    broker = await side.connect()
    with pytest.raises(Rejected, match="dead"):
        await broker.subscribe(DEAD_QUEUE, prefetch=1)
