"""Limits on a step's memory, on the real broker and database."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.engine.states import Outcome
from tests.support.running_worker import WorkerBench, open_bench

MIB = 1024 * 1024
CODE = "def take(mib):\n    return len(bytearray(mib * 1024 * 1024))\n"


@pytest.fixture
async def bench(rabbitmq_url: str, mongo_url: str, database_name: str, tmp_path: Path) -> AsyncIterator[WorkerBench]:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "code.py").write_text(CODE)
    async with open_bench(rabbitmq_url, mongo_url, database_name, tmp_path) as found, found.worker():
        yield found


async def test_a_script_over_its_limit_fails_and_says_so(bench: WorkerBench) -> None:
    spec = {"language": "python", "memory": 256 * MIB}
    end = await bench.run("import code\ncode.take(400)", spec=spec)
    assert (end.outcome, end.exit_code) == (Outcome.FAILED, 1)
    assert str(end.error).startswith("The step ran into its memory limit of 256 MiB\nExit code: 1\nStderr: ")
    assert str(end.error).endswith("MemoryError")


async def test_a_script_within_its_limit_completes(bench: WorkerBench) -> None:
    spec = {"language": "python", "memory": 256 * MIB, "args": ["a b"]}
    end = await bench.run("import code, sys\nprint('OUTPUT:', code.take(100) + len(sys.argv[1]))", spec=spec)
    assert (end.error, end.output) == (None, 100 * MIB + 3)


async def test_a_failure_of_another_kind_does_not_name_the_limit(bench: WorkerBench) -> None:
    end = await bench.run("echo sorry >&2; exit 3", spec={"memory": 256 * MIB})
    assert end.error == "Exit code: 3\nStderr: sorry"


async def test_javascript_starts_within_a_limit(bench: WorkerBench) -> None:
    spec = {"language": "javascript", "memory": 512 * MIB}
    end = await bench.run("console.log('OUTPUT: 1')", spec=spec)
    assert end.output == (1 if shutil.which("node") or shutil.which("bun") else None)


async def test_a_function_over_its_limit_fails_and_says_so(bench: WorkerBench) -> None:
    async def take(mib: int) -> tuple[object, str | None]:
        spec = {"call": "code:take", "memory": 256 * MIB}
        end = await bench.end_of(await bench.send(bench.step(action_type="function", spec=spec, input={"mib": mib})))
        return end.output, end.error

    assert await take(400) == (None, "The step ran into its memory limit of 256 MiB\nMemoryError")
    assert await take(100) == (100 * MIB, None)


async def test_a_limit_that_is_too_small_is_refused(bench: WorkerBench) -> None:
    end = await bench.run("true", spec={"memory": 1000})
    assert end.error == "memory 1000 is no limit of at least 4194304 bytes"
