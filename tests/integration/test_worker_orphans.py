"""What becomes of a step's processes when its worker is killed with SIGKILL, on the real broker and database."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from pymongo import MongoClient

from tests.support.eventually import eventually
from tests.support.running_worker import PARTITIONS, WorkerBench, open_bench

ROOT = Path(__file__).parents[2]
LONG = timedelta(seconds=30)


@pytest.fixture
def own_database(mongo_url: str) -> Iterator[str]:
    """A database for whole services: other tests set theirs up with another number of partitions."""
    name = f"test_{secrets.token_hex(6)}"
    yield name
    with MongoClient[dict[str, object]](mongo_url, serverSelectionTimeoutMS=5000, timeoutMS=30_000) as client:
        client.drop_database(name)


@pytest.fixture
async def bench(rabbitmq_url: str, mongo_url: str, own_database: str, tmp_path: Path) -> AsyncIterator[WorkerBench]:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "file").touch()
    async with open_bench(rabbitmq_url, mongo_url, own_database, tmp_path) as found:
        yield found


@contextmanager
def worker_process(bench: WorkerBench) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as a process of its own, killed at the end."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    own = {
        "RABBITMQ_URL": bench.rabbitmq_url,
        "MONGO_URL": bench.mongo_url,
        "DATABASE": bench.database,
        "PARTITIONS": str(PARTITIONS),
        "WORKER_TAGS": f'["{bench.tag}"]',
        "WORKER_EXCLUSIVE": "true",
        "WORKER_CACHE_DIR": str(bench.cache),
    }
    environ = others | {f"HEADRACE_{name}": value for name, value in own.items()}
    with subprocess.Popen([sys.executable, "-m", "services.worker.main"], env=environ, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


async def start_step(bench: WorkerBench, pids: Path) -> list[int]:
    """Begin a step with a child, one that left its session, and one that cleared its environment; their ids."""
    script = (
        f"echo $$ > {pids}; sleep 600 & echo $! >> {pids}; env -i sleep 600 & echo $! >> {pids}\n"
        f"setsid sh -c 'trap \"\" TERM; echo $$ >> {pids}; while :; do sleep 1; done' &\n"
        f"until test $(wc -l < {pids}) = 4; do sleep 0.01; done; echo here; wait"
    )
    step = await bench.send(bench.step(script))
    await eventually(lambda: [one for one in bench.chunks_of(step) if one.lines], within=LONG)
    return [int(pid) for pid in pids.read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return b"Z" not in Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except FileNotFoundError:
        return False


def guards_of(process: subprocess.Popen[bytes]) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"end_orphans" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def test_the_guard_of_a_killed_worker_ends_its_steps_processes(bench: WorkerBench, tmp_path: Path) -> None:
    with worker_process(bench) as process:
        pids = await start_step(bench, tmp_path / "pids")
        assert all(map(is_alive, pids))
        process.kill()
        await eventually(lambda: not any(map(is_alive, pids)))


async def test_the_next_worker_ends_what_a_worker_killed_with_its_guard_left(
    bench: WorkerBench, tmp_path: Path
) -> None:
    with worker_process(bench) as process:
        pids = await start_step(bench, tmp_path / "pids")
        guards = guards_of(process)
        assert len(guards) == 1
        os.kill(guards[0], signal.SIGKILL)
        process.kill()
        process.wait()
    assert all(map(is_alive, pids))
    async with bench.worker():
        assert not any(map(is_alive, pids))
