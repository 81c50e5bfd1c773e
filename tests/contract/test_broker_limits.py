"""What can't be handled or can't travel, whichever the broker is."""

import pytest

from shared.broker.ports import Outgoing
from shared.broker.topology import DEAD_QUEUE
from shared.errors import Rejected
from tests.support.brokers import Side, a_message, numbers_of, outgoing, silent
from tests.support.eventually import eventually


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


async def test_nobody_subscribes_to_the_dead(side: Side) -> None:
    broker = await side.connect()
    with pytest.raises(Rejected, match="dead"):
        await broker.subscribe(DEAD_QUEUE, prefetch=1)
