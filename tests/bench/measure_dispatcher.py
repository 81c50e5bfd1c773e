"""Measures a sequential step and a burst of one-step jobs through a dispatcher, with a worker that only echoes.

`python -m tests.bench.measure_dispatcher AMQP_URL MONGODB_URL` needs nothing else; the database it uses is its own.
"""

import asyncio
import sys
import time
from uuid import uuid4

import uvloop
from motor.motor_asyncio import AsyncIOMotorClient

from shared.broker import rabbit
from shared.broker.ports import Subscription
from shared.broker.topology import announcement_queue
from shared.engine.states import JobStatus
from shared.messages.wire import JobChangedMessage
from shared.orchestration.orchestrator import Orchestrator
from shared.storage import client
from shared.telemetry.logs import configure_logs
from tests.support.eventually import eventually
from tests.support.orchestration import (
    EchoWorker,
    a_new_job,
    an_orchestrator,
    chain,
    dispatching,
    put_workspace,
    running,
)

STEPS = 40
JOBS = 1_000
AT_ONCE = 50
COMPLETED = JobStatus.COMPLETED


class Watch:
    """Hears of jobs that ended, so that the measurement itself asks the database nothing."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription

    async def until_ended(self, count: int) -> None:
        """Return when so many more jobs have completed."""
        while count > 0:
            taken = await self._subscription.take(1_000)
            await self._subscription.acknowledge(taken)
            messages = [delivery.message for delivery in taken]
            count -= sum(isinstance(each, JobChangedMessage) and each.status is COMPLETED for each in messages)


async def measure_chain(creator: Orchestrator, watch: Watch) -> float:
    """Milliseconds for each step of a chain."""
    began = time.perf_counter()
    await creator.create(a_new_job("chain"))
    await watch.until_ended(1)
    return (time.perf_counter() - began) * 1000 / STEPS


async def measure_burst(creator: Orchestrator, watch: Watch) -> float:
    """One-step jobs in a second."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def create() -> None:
        async with slots:
            await creator.create(a_new_job("one"))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(JOBS):
            tasks.create_task(create())
    await watch.until_ended(JOBS)
    return JOBS / (time.perf_counter() - began)


async def main(rabbitmq_url: str, mongo_url: str) -> None:
    """Print what was measured."""
    configure_logs("bench", level="warning", style="text")
    database = f"bench_{uuid4().hex[:12]}"
    storage = await client.connect(mongo_url, database)
    broker = await rabbit.connect(rabbitmq_url, name="bench", partitions=8)
    await put_workspace(storage, chain(STEPS) + chain(1, name="one").removeprefix("tasks:\n"))
    try:
        creator = an_orchestrator(storage, broker)
        watch = Watch(await broker.subscribe(announcement_queue("job.changed"), prefetch=1_000))
        async with dispatching(storage, broker) as dispatcher, EchoWorker(broker).working(), running(creator):
            await eventually(lambda: len(dispatcher.own_partitions.numbers) == 8)
            for _ in range(5):
                print(f"{await measure_chain(creator, watch):.2f} ms per sequential step")
            for _ in range(2):
                print(f"{await measure_burst(creator, watch):.0f} one-step jobs per second")
    finally:
        await broker.close()
        await storage.close()
        await AsyncIOMotorClient(mongo_url).drop_database(database)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:3]))
