"""How a worker ends the processes of its steps, on the real broker and database."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.worker.worker import Worker
from shared.engine.states import Outcome
from tests.support.eventually import eventually
from tests.support.running_worker import WorkerBench, open_bench


@pytest.fixture
async def bench(rabbitmq_url: str, mongo_url: str, database_name: str, tmp_path: Path) -> AsyncIterator[WorkerBench]:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "file").touch()
    async with open_bench(rabbitmq_url, mongo_url, database_name, tmp_path) as found:
        yield found


@pytest.fixture
async def worker(bench: WorkerBench) -> AsyncIterator[Worker]:
    async with bench.worker() as found:
        yield found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    "left",
    [
        "sleep 600 &",
        "setsid sleep 600 &",
        "(setsid sh -c 'trap \"\" TERM; sleep 600 & wait' &)",
        "nohup setsid sh -c 'setsid sleep 600 & sleep 600' > /dev/null 2>&1 &",
    ],
)
@pytest.mark.usefixtures("worker")
async def test_children_left_behind_are_ended_and_hold_nothing_up(
    bench: WorkerBench, left: str, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    end = await bench.run(f"{left}\nsleep 0.1; pgrep -f 'sleep 600' > {pids}; echo done")
    assert end.outcome is Outcome.COMPLETED
    assert await bench.texts_of(end) == ["done"]
    assert not any(is_alive(int(pid)) for pid in pids.read_text().split())


@pytest.mark.usefixtures("worker")
async def test_a_child_that_hides_from_the_worker_does_not_hold_the_step(bench: WorkerBench, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    end = await bench.run(f"setsid env -i /bin/sh -c 'echo $$ > {pid}; exec sleep 600' &\nsleep 0.2; echo done")
    assert end.outcome is Outcome.COMPLETED
    assert await bench.texts_of(end) == ["done"]
    os.kill(int(pid.read_text()), 9)


@pytest.mark.usefixtures("worker")
async def test_a_step_over_its_time_is_killed(bench: WorkerBench, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    end = await bench.run(f"echo $$ > {pids}; sleep 600 & echo $! >> {pids}; wait", timeout_seconds=0.5)
    assert (end.outcome, end.error, end.exit_code) == (Outcome.TIMED_OUT, "Step timed out after 0.5s", None)
    assert not any(is_alive(int(pid)) for pid in pids.read_text().split())


@pytest.mark.usefixtures("worker")
async def test_a_step_that_ignores_the_polite_signal_is_killed_after_five_seconds(bench: WorkerBench) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    end = await bench.run("trap '' TERM; echo deaf; while :; do sleep 0.1; done", timeout_seconds=0.2)
    assert end.outcome is Outcome.TIMED_OUT
    assert 5 < loop.time() - began < 9


async def test_a_cancelled_step_is_killed_and_says_so(bench: WorkerBench, worker: Worker) -> None:
    step = await bench.send(bench.step("trap 'echo bye; exit 3' TERM; echo here; sleep 600 & wait"))
    await bench.line_seen(step, "here")
    await bench.cancel(step, worker)
    end = await bench.end_of(step)
    assert (end.outcome, end.error) == (Outcome.CANCELLED, "Step was cancelled")
    assert await bench.texts_of(end) == ["here", "bye"]


async def test_a_cancel_that_comes_first_is_remembered(bench: WorkerBench, worker: Worker) -> None:
    step = bench.step("echo never")
    await bench.cancel(step, worker)
    await eventually(lambda: len(worker.attempts._cancelled._keys) == 1)
    end = await bench.end_of(await bench.send(step))
    assert (end.outcome, end.log_lines) == (Outcome.CANCELLED, 0)


@pytest.mark.usefixtures("worker")
async def test_an_idle_steps_line_is_in_the_broker_at_once(bench: WorkerBench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    step = await bench.send(bench.step(f"echo ready; until test -e {gate}; do sleep 0.01; done; echo line; sleep 600"))
    await bench.line_seen(step, "ready")
    gate.touch()
    line = await bench.line_seen(step, "line")
    delays = [chunk.occurred_at - line.ts for chunk in bench.chunks_of(step)]
    assert max(delays) < timedelta(milliseconds=100)
