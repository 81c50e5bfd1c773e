"""How a worker shows that it lives."""

import asyncio
from datetime import timedelta

from services.worker.attempts import Attempts, key_of
from services.worker.heartbeat import Heartbeat
from shared.broker.memory import MemoryBroker
from shared.storage.memory import MemoryStorage
from shared.storage.records import WorkerRecord
from tests.support.commands import a_step
from tests.support.eventually import eventually

WORKER = WorkerRecord("w1", "one", ("script",), (), is_exclusive=False, slots=1, version="1")


class Bench:
    def __init__(self, interval: timedelta) -> None:
        self.attempts, self.storage, self.broker = Attempts(), MemoryStorage(), MemoryBroker()
        self.heartbeat = Heartbeat(WORKER, self.attempts, self.storage.workers, self.broker, interval)

    async def shown(self) -> WorkerRecord:
        record = await self.storage.workers.load("w1")
        assert record is not None
        return record


async def test_a_beat_tells_what_runs() -> None:
    bench = Bench(timedelta(seconds=5))
    await bench.heartbeat.beat()
    assert (await bench.shown()).running == ()
    bench.attempts.begin(a_step())
    await bench.heartbeat.beat()
    assert (await bench.shown()).running == (key_of(a_step()),)


async def test_a_round_lasts_one_interval() -> None:
    bench = Bench(timedelta(milliseconds=100))
    began = asyncio.get_running_loop().time()
    await bench.heartbeat.round()
    assert 0.09 < asyncio.get_running_loop().time() - began < 1


async def test_draining_and_a_lost_broker_are_told_at_once() -> None:
    for upset in ("drain", "lose"):
        bench = Bench(timedelta(minutes=1))
        waiting = asyncio.create_task(bench.heartbeat.round())
        await eventually(bench.shown)
        if upset == "drain":
            bench.heartbeat.drain()
        else:
            bench.broker.go_down()
        await eventually(waiting.done)
        await bench.heartbeat.beat()
        assert (await bench.shown()).status == ("draining" if upset == "drain" else "active")


async def test_the_last_word_makes_it_inactive() -> None:
    bench = Bench(timedelta(seconds=5))
    await bench.heartbeat.beat()
    await bench.heartbeat.leave()
    assert (await bench.shown()).status == "inactive"
