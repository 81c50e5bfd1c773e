"""What a worker makes of scripts, on the real broker and database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.engine.states import Outcome
from tests.support.running_worker import WorkerBench, open_bench


@pytest.fixture
async def bench(rabbitmq_url: str, mongo_url: str, database_name: str, tmp_path: Path) -> AsyncIterator[WorkerBench]:
    workspace = tmp_path / "workspace"
    (workspace / "scripts").mkdir(parents=True)
    (workspace / "scripts" / "greet.py").write_text("import sys\nprint('hello', *sys.argv[1:])\n")
    (workspace / "greeting.py").write_text("WORD = 'good morning'\n")
    async with open_bench(rabbitmq_url, mongo_url, database_name, tmp_path) as found, found.worker():
        yield found


async def test_a_script_that_ends_well_gives_its_output_and_its_lines(bench: WorkerBench) -> None:
    end = await bench.run("echo one\necho two >&2\necho 'OUTPUT: {\"n\": 3}'")
    assert (end.outcome, end.output, end.exit_code, end.error) == (Outcome.COMPLETED, {"n": 3}, 0, None)
    lines = await bench.lines_of(end)
    assert sorted((line.stream, line.text) for line in lines) == [
        ("stderr", "two"),
        ("stdout", 'OUTPUT: {"n": 3}'),
        ("stdout", "one"),
    ]
    assert [line.ts for line in lines] == sorted(line.ts for line in lines)
    assert bench.events_about(end) == ["started", "finished"]
