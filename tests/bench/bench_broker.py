"""How many messages RabbitMQ confirms, and how long a hop takes: `python -m tests.bench.bench_broker amqp://…`."""

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence

import uvloop

from shared.broker.ports import Broker, Subscription
from shared.broker.rabbit import connect
from tests.support.brokers import Names, outgoing

COUNT = 5000
HOPS = 1000
PREFETCH = 200


async def measure(url: str) -> None:
    """Print the table."""
    names = Names()
    broker = await connect(url, name="bench", partitions=1)
    subscription = await broker.subscribe(names.queue(), prefetch=PREFETCH)
    try:
        await subscription.resize(0)
        print(f"published in one call     {await publish_together(broker, names):8.0f} confirmed/s")
        print(f"published in {COUNT} calls   {await publish_apart(broker, names):8.0f} confirmed/s")
        await subscription.resize(PREFETCH)
        print(f"taken and acknowledged    {await take_all(subscription, 2 * COUNT):8.0f} /s")
        print_hops(await hop(broker, subscription, names))
    finally:
        await subscription.close()
        await broker.close()


async def publish_together(broker: Broker, names: Names) -> float:
    """Messages a second."""
    batch = outgoing(names, *range(COUNT))
    began = time.perf_counter()
    await broker.publish(batch)
    return COUNT / (time.perf_counter() - began)


async def publish_apart(broker: Broker, names: Names) -> float:
    """Messages a second, from callers who don't know of each other."""
    batch = outgoing(names, *range(COUNT))
    began = time.perf_counter()
    await asyncio.gather(*(broker.publish([message]) for message in batch))
    return COUNT / (time.perf_counter() - began)


async def take_all(subscription: Subscription, count: int) -> float:
    """Messages a second."""
    began, taken = time.perf_counter(), 0
    while taken < count:
        deliveries = await subscription.take(PREFETCH // 2)
        taken += len(deliveries)
        await subscription.acknowledge(deliveries)
    return count / (time.perf_counter() - began)


async def hop(broker: Broker, subscription: Subscription, names: Names) -> list[float]:
    """Seconds from publishing to taking, one message at a time."""
    seconds = []
    for number in range(HOPS):
        began = time.perf_counter()
        publishing = asyncio.ensure_future(broker.publish(outgoing(names, number)))
        deliveries = await subscription.take(1)
        seconds.append(time.perf_counter() - began)
        await subscription.acknowledge(deliveries)
        await publishing
    return seconds


def print_hops(seconds: Sequence[float]) -> None:
    """The middle and the end of the distribution."""
    hundredths = statistics.quantiles(seconds, n=100)
    print(f"publish to take           {hundredths[49] * 1000:8.2f} ms p50, {hundredths[98] * 1000:.2f} ms p99")


if __name__ == "__main__":
    uvloop.run(measure(sys.argv[1]))
