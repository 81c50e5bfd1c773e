"""Measures a sequential step and a burst of one-step jobs through a dispatcher, with a worker that only echoes.

`python -m tests.bench.measure_dispatcher AMQP_URL MONGODB_URL` needs nothing else; the database it uses is its own.
"""

import asyncio
import sys
import time
from datetime import timedelta
from uuid import uuid4

import uvloop
from motor.motor_asyncio import AsyncIOMotorClient

from shared.broker import rabbit
from shared.broker.ports import Broker
from shared.storage import client
from shared.storage.ports import Storage
from shared.telemetry.logs import configure_logs
from tests.support.eventually import eventually
from tests.support.orchestration import (
    EchoWorker,
    a_new_job,
    an_orchestrator,
    chain,
    dispatching,
    job_ended,
    put_workspace,
    running,
)

STEPS = 40
JOBS = 1_000
AT_ONCE = 50


async def measure_chain(storage: Storage, broker: Broker) -> float:
    """Milliseconds for each step of a chain."""
    creator = an_orchestrator(storage, broker)
    async with running(creator):
        job = await creator.create(a_new_job("chain"))
        ended = await job_ended(storage, job.id)
    assert ended.finished_at is not None
    return (ended.finished_at - ended.created_at).total_seconds() * 1000 / STEPS


async def measure_burst(storage: Storage, broker: Broker) -> float:
    """One-step jobs in a second."""
    creator = an_orchestrator(storage, broker)
    slots = asyncio.Semaphore(AT_ONCE)

    async def create() -> None:
        async with slots:
            await creator.create(a_new_job("one"))

    before = (await storage.jobs.count_by_status()).get("completed", 0)
    async with running(creator):
        began = time.perf_counter()
        await asyncio.gather(*(create() for _ in range(JOBS)))
        created = time.perf_counter()

        async def all_ended() -> bool:
            return (await storage.jobs.count_by_status()).get("completed", 0) - before >= JOBS

        await eventually(all_ended, within=timedelta(seconds=60))
        ended = time.perf_counter()
    print(f"  created in {created - began:.2f} s")
    return JOBS / (ended - began)


async def main(rabbitmq_url: str, mongo_url: str) -> None:
    """Print what was measured."""
    configure_logs("bench", level="warning", style="text")
    database = f"bench_{uuid4().hex[:12]}"
    storage = await client.connect(mongo_url, database)
    broker = await rabbit.connect(rabbitmq_url, name="bench", partitions=8)
    await put_workspace(storage, chain(STEPS) + chain(1, name="one").removeprefix("tasks:\n"))
    try:
        async with dispatching(storage, broker) as dispatcher, EchoWorker(broker).working():
            await eventually(lambda: len(dispatcher.own_partitions.numbers) == 8)
            for _ in range(5):
                print(f"{await measure_chain(storage, broker):.2f} ms per sequential step")
            for _ in range(2):
                print(f"{await measure_burst(storage, broker):.0f} one-step jobs per second")
    finally:
        await broker.close()
        await storage.close()
        await AsyncIOMotorClient(mongo_url).drop_database(database)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:3]))
