"""RabbitMQ goes away in every way there is, and comes back."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from pamqp import commands
from pamqp.frame import marshal

from shared.broker.ports import Subscription
from shared.broker.rabbit import RabbitBroker, connect
from shared.broker.timings import Timings
from shared.broker.topology import EVENT_EXCHANGE, event_queue
from shared.errors import BrokerUnavailable, Unroutable
from tests.support.brokers import Names, RabbitSide, numbers_of, outgoing, rabbit_side, take_all
from tests.support.eventually import eventually
from tests.support.proxy import Proxy, proxied

IMPATIENT = Timings(
    deadline=timedelta(seconds=2),
    patience=timedelta(seconds=10),
    heartbeat=timedelta(seconds=1),
    farewell=timedelta(seconds=1),
)
RETURN = timedelta(seconds=15)  # a consumer is back this soon after the broker


@pytest.fixture(autouse=True)
async def nothing_left_behind() -> AsyncIterator[None]:
    """No task outlives its test, no failure goes unseen."""
    loop = asyncio.get_running_loop()
    before, told = _others(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _, context: told.append(context))
    yield
    await eventually(lambda: not _others() - before, told=f"tasks left: {_others() - before}")
    gc.collect()
    await asyncio.sleep(0)
    loop.set_exception_handler(None)
    assert told == []


def _others() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


@pytest.fixture
async def side(rabbitmq_url: str) -> AsyncIterator[RabbitSide]:
    """The broker without a proxy, to look at it and to clean up."""
    async with rabbit_side(rabbitmq_url) as side:
        yield side


@asynccontextmanager
async def through_proxy(url: str, timings: Timings = IMPATIENT) -> AsyncIterator[tuple[Proxy, RabbitBroker]]:
    """A broker behind a proxy of its own."""
    async with proxied(url) as (proxy, proxy_url):
        broker = await connect(proxy_url, name="faults", partitions=1, timings=timings)
        try:
            yield proxy, broker
        finally:
            await broker.close()


async def publish_all(broker: RabbitBroker, names: Names, count: int) -> None:
    """Publish 0 to `count` - 1, ten at a time, each batch until it is confirmed."""
    for first in range(0, count, 10):
        is_repeat = False
        while True:
            try:
                await broker.publish(outgoing(names, *range(first, first + 10), is_repeat=is_repeat))
                break
            except BrokerUnavailable:
                is_repeat = True


async def take_until_complete(subscription: Subscription, count: int, unflagged: Counter[int]) -> None:
    """Take and acknowledge until each of 0 to `count` - 1 was there."""
    seen: set[int] = set()
    while len(seen) < count:
        deliveries = await subscription.take(7)
        seen.update(numbers_of(deliveries))
        unflagged.update(numbers_of([one for one in deliveries if not one.is_repeat]))
        await subscription.acknowledge(deliveries)


async def test_nothing_is_lost_and_repeats_are_marked_while_connections_break(
    rabbitmq_url: str, side: RabbitSide
) -> None:
    count, unflagged = 3000, Counter[int]()
    async with through_proxy(rabbitmq_url) as (outward, sender), through_proxy(rabbitmq_url) as (inward, taker):
        subscription = await taker.subscribe(side.names.queue(), prefetch=50)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(publish_all(sender, side.names, count))
            taking = tasks.create_task(take_until_complete(subscription, count, unflagged))
            for number in range(1, 8):
                await asyncio.wait([taking], timeout=0.15)
                (outward if number % 2 else inward).cut()
        assert max(unflagged.values()) == 1
        assert outward.accepted > 2
        assert inward.accepted > 2


async def test_everything_is_back_soon_after_the_broker_without_a_restart(rabbitmq_url: str, side: RabbitSide) -> None:
    async with through_proxy(rabbitmq_url) as (proxy, broker):
        queue = await broker.subscribe(side.names.queue(), prefetch=10)
        own = await broker.subscribe(side.names.own_queue("all"), prefetch=10)
        proxy.refuse()
        await eventually(lambda: not broker.is_ready)
        with pytest.raises(BrokerUnavailable):
            await broker.publish(outgoing(side.names, 1))
        proxy.accept()
        await eventually(lambda: broker.is_ready, within=RETURN)
        await broker.publish(outgoing(side.names, 2))
        assert numbers_of(await queue.take(10)) == [2]
        await asyncio.wait_for(own.bind("more"), 5)


async def test_publishing_waits_for_a_broker_that_is_back_within_the_deadline(
    rabbitmq_url: str, side: RabbitSide
) -> None:
    async with through_proxy(rabbitmq_url) as (proxy, broker):
        subscription = await broker.subscribe(side.names.queue(), prefetch=10)
        proxy.refuse()
        await eventually(lambda: not broker.is_ready)
        publishing = asyncio.ensure_future(broker.publish(outgoing(side.names, 1)))
        await asyncio.wait([publishing], timeout=0.2)
        proxy.accept()
        await publishing
        assert numbers_of(await subscription.take(10)) == [1]


async def test_a_connection_that_died_silently_is_noticed_by_its_heartbeat(rabbitmq_url: str, side: RabbitSide) -> None:
    async with through_proxy(rabbitmq_url) as (proxy, broker):
        subscription = await broker.subscribe(side.names.queue(), prefetch=10)
        proxy.swallow()
        await eventually(lambda: not broker.is_ready, within=timedelta(seconds=20))
        proxy.restore()
        await eventually(lambda: broker.is_ready, within=RETURN)
        await broker.publish(outgoing(side.names, 1))
        assert numbers_of(await subscription.take(10)) == [1]


async def test_a_publisher_whose_connection_died_silently_gives_it_up_after_the_deadline(
    rabbitmq_url: str, side: RabbitSide
) -> None:
    slow = Timings(deadline=timedelta(seconds=1), heartbeat=timedelta(seconds=60))
    async with through_proxy(rabbitmq_url, slow) as (proxy, broker):
        await broker.declare(side.names.queue())
        proxy.swallow()
        with pytest.raises(BrokerUnavailable, match="in time"):
            await broker.publish(outgoing(side.names, 1))
        proxy.restore()
        await eventually(lambda: _is_published(broker, side.names, 2))
        broker._inbound.cut()


async def _is_published(broker: RabbitBroker, names: Names, number: int) -> bool:
    try:
        await broker.publish(outgoing(names, number))
    except (BrokerUnavailable, Unroutable):
        return False
    return True


async def test_a_blocked_connection_is_not_ready_and_publishing_waits_for_its_end(
    rabbitmq_url: str, side: RabbitSide
) -> None:
    async with through_proxy(rabbitmq_url) as (proxy, broker):
        subscription = await broker.subscribe(side.names.queue(), prefetch=10)
        proxy.say(marshal(commands.Connection.Blocked(reason="low on memory"), 0))
        await eventually(lambda: not broker.is_ready)
        with pytest.raises(BrokerUnavailable, match="in time"):
            await broker.publish(outgoing(side.names, 1))
        publishing = asyncio.ensure_future(broker.publish(outgoing(side.names, 2)))
        await asyncio.sleep(0)
        proxy.say(marshal(commands.Connection.Unblocked(), 0))
        await publishing
        assert broker.is_ready
        assert numbers_of(await take_all(subscription, 1)) == [2]
        assert proxy.accepted == 2


async def test_a_consumer_whose_queue_was_deleted_declares_it_again(rabbitmq_url: str, side: RabbitSide) -> None:
    async with through_proxy(rabbitmq_url) as (_, broker):
        subscription = await broker.subscribe(side.names.queue(), prefetch=10)
        async with side._admin.channel() as channel:
            await channel.queue_delete(side.names.queue().name)
        await eventually(lambda: _is_published(broker, side.names, 1))
        assert numbers_of(await subscription.take(10)) == [1]


async def test_a_channel_that_the_broker_closed_is_opened_again(rabbitmq_url: str, side: RabbitSide) -> None:
    async with through_proxy(rabbitmq_url) as (_, broker):
        subscription = await broker.subscribe(side.names.queue(), prefetch=10)
        await broker.publish(outgoing(side.names, 1))
        first = await subscription.take(1)
        assert subscription._channel is not None
        await subscription._channel.basic_ack(999)  # no such delivery: the broker closes the channel
        (again,) = await subscription.take(1)
        assert again.is_repeat
        await subscription.acknowledge(first)
        await subscription.acknowledge([again])
        await eventually(lambda: broker.is_ready)


async def test_a_broker_that_lost_its_data_gets_its_queues_again(rabbitmq_url: str, side: RabbitSide) -> None:
    async with through_proxy(rabbitmq_url) as (proxy, broker):
        route, taken = side.names.queue("other", key="other"), side.names.queue()
        await broker.declare(route)
        subscription = await broker.subscribe(taken, prefetch=10)
        proxy.refuse()
        async with side._admin.channel() as channel:
            for name in (route.name, taken.name, event_queue(0).name):
                await channel.queue_delete(name)
            for exchange in (side.names.work, EVENT_EXCHANGE):
                await channel.exchange_delete(exchange.name)
        proxy.accept()
        await eventually(lambda: broker.is_ready, within=RETURN)
        await broker.publish([*outgoing(side.names, 1), *outgoing(side.names, 2, key="other")])
        assert numbers_of(await subscription.take(10)) == [1]


async def test_an_undecodable_body_is_put_aside_as_soon_as_publishing_works_again(
    rabbitmq_url: str, side: RabbitSide
) -> None:
    async with through_proxy(rabbitmq_url) as (proxy, broker):
        subscription = await broker.subscribe(side.names.queue(), prefetch=1)
        broker._outbound.cut()
        proxy.refuse()
        await side.put(side.names.work, "key", b"not a message")
        proxy.accept()
        await eventually(lambda: side.dead(side.names.queue()), within=RETURN)
        await broker.publish(outgoing(side.names, 1))
        assert numbers_of(await subscription.take(1)) == [1]


async def test_a_broker_that_is_late_at_start_is_waited_for(rabbitmq_url: str) -> None:
    async with proxied(rabbitmq_url) as (proxy, url):
        proxy.refuse()
        connecting = asyncio.ensure_future(connect(url, name="late", partitions=1, timings=IMPATIENT))
        await eventually(lambda: proxy.accepted >= 2)
        proxy.accept()
        broker = await connecting
        assert broker.is_ready
        await broker.close()


async def test_a_broker_that_never_comes_is_given_up_with_a_sentence(rabbitmq_url: str) -> None:
    async with proxied(rabbitmq_url) as (proxy, url):
        proxy.refuse()
        short = Timings(deadline=timedelta(seconds=1), patience=timedelta(milliseconds=300))
        with pytest.raises(BrokerUnavailable, match="connect"):
            await connect(url, name="never", partitions=1, timings=short)


async def test_cancelling_a_publish_is_a_cancellation_and_leaves_the_channel_working(
    rabbitmq_url: str, side: RabbitSide
) -> None:
    async with through_proxy(rabbitmq_url) as (proxy, broker):
        subscription = await broker.subscribe(side.names.queue(), prefetch=10)
        proxy.pause()
        publishing = asyncio.ensure_future(broker.publish(outgoing(side.names, 1, 2, 3)))
        await asyncio.wait([publishing], timeout=0.1)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
        proxy.resume()
        await broker.publish(outgoing(side.names, 4))
        taken = await take_all(subscription, 4)
        assert sorted(numbers_of(taken)) == [1, 2, 3, 4]
        assert proxy.accepted == 2
