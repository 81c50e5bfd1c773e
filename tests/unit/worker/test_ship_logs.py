"""How lines travel."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from services.worker.ship_logs import CHUNK_BYTES, LogShipper
from shared.broker.memory import MemoryBroker
from shared.broker.ports import Subscription
from shared.broker.topology import LOG_STORE_QUEUE
from shared.messages.codec import decode, encode
from shared.messages.wire import LogChunkMessage
from shared.runtime.clock import SystemClock
from tests.support.commands import a_step
from tests.support.eventually import eventually


class Shipment:
    """A shipper at work and what the store's queue holds."""

    def __init__(self, broker: MemoryBroker, arrived: Subscription) -> None:
        self.shipper = LogShipper(broker, SystemClock(), a_step())
        self._arrived = arrived

    async def chunk(self) -> LogChunkMessage:
        async with asyncio.timeout(5):
            deliveries = await self._arrived.take(1)
        await self._arrived.acknowledge(deliveries)
        assert isinstance(deliveries[0].message, LogChunkMessage)
        return deliveries[0].message


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker(partitions=1)


@asynccontextmanager
async def open_shipment(broker: MemoryBroker) -> AsyncIterator[Shipment]:
    shipment = Shipment(broker, await broker.subscribe(LOG_STORE_QUEUE, prefetch=1000))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(shipment.shipper.run())
        yield shipment
        shipment.shipper.close()


async def test_the_first_line_of_a_quiet_step_leaves_at_once(broker: MemoryBroker) -> None:
    async with open_shipment(broker) as shipment:
        began = asyncio.get_running_loop().time()
        await shipment.shipper.write("stdout", ["hello"])
        chunk = await shipment.chunk()
        assert asyncio.get_running_loop().time() - began < 0.08
    assert [(line.stream, line.text) for line in chunk.lines] == [("stdout", "hello")]
    assert (chunk.job_id, chunk.step, chunk.attempt, chunk.first) == ("job-1", "work", 1, 0)


async def test_lines_soon_after_share_a_chunk(broker: MemoryBroker) -> None:
    async with open_shipment(broker) as shipment:
        await shipment.shipper.write("stdout", ["one"])
        await shipment.chunk()
        await shipment.shipper.write("stdout", ["two"])
        await shipment.shipper.write("stderr", ["three"])
        chunk = await shipment.chunk()
    assert [(line.stream, line.text) for line in chunk.lines] == [("stdout", "two"), ("stderr", "three")]
    assert chunk.first == 1


async def test_many_lines_come_in_chunks_of_64_kib_without_a_gap(broker: MemoryBroker) -> None:
    texts = [f"{number:0100}" for number in range(3000)]
    async with open_shipment(broker) as shipment:
        for start in range(0, len(texts), 700):
            await shipment.shipper.write("stdout", texts[start : start + 700])
        shipment.shipper.close()
        chunks = [await shipment.chunk()]
        while (after := chunks[-1].first + len(chunks[-1].lines)) < len(texts):
            chunks.append(await shipment.chunk())
            assert chunks[-1].first == after
    assert [line.text for chunk in chunks for line in chunk.lines] == texts
    assert max(sum(len(line.text) for line in chunk.lines) for chunk in chunks) < CHUNK_BYTES + 200
    assert shipment.shipper.count == len(texts)
    stamps = [line.ts for chunk in chunks for line in chunk.lines]
    assert stamps == sorted(stamps)


async def test_a_broker_that_is_away_holds_the_writer_and_loses_nothing(broker: MemoryBroker) -> None:
    texts = ["x" * 1000] * 500
    async with open_shipment(broker) as shipment:
        broker.go_down()
        written: list[int] = []

        async def write_all() -> None:
            for number in range(10):
                await shipment.shipper.write("stdout", texts)
                written.append(number)
            shipment.shipper.close()

        writing = asyncio.create_task(write_all())
        await eventually(lambda: len(written) >= 3)
        with pytest.raises(AssertionError):  # it stands still
            await eventually(lambda: len(written) > 7, within=timedelta(seconds=0.3))
        broker.come_back()
        await eventually(writing.done)
        count = 0
        while count < 5000:
            chunk = await shipment.chunk()
            assert chunk.first <= count  # a repeat starts where it started before
            count = max(count, chunk.first + len(chunk.lines))
    assert shipment.shipper.count == 5000


async def test_a_chunk_looks_on_the_wire_like_any_message(broker: MemoryBroker) -> None:
    async with open_shipment(broker) as shipment:
        await shipment.shipper.write("stdout", ["nul \0, invalid \ufffd, \U0001f980"])
        chunk = await shipment.chunk()
    assert decode(encode(chunk)) == chunk
    assert chunk.lines[0].text == "nul \0, invalid \ufffd, \U0001f980"
