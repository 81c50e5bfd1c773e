"""Measures what a step costs in its runner, `script` beside `function`: `python -m tests.bench.measure_runners`."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from services.worker.artifacts import Artifacts
from services.worker.cache_folder import CacheFolder
from services.worker.functions.pool import FunctionPool
from services.worker.halt import Halt
from services.worker.process_group import ProcessGroups
from services.worker.runners.function import FunctionRunner
from services.worker.runners.packages import Packages
from services.worker.runners.runner import Runner
from services.worker.runners.script import ScriptRunner
from services.worker.state import States
from services.worker.strays import adopt_orphans
from services.worker.workspace_cache import WorkspaceCache
from shared.definition.archive import pack_folder
from shared.runtime.clock import SystemClock
from shared.storage.memory import MemoryStorage
from shared.storage.records import RevisionRecord
from tests.support.attempts import KeptLines, attempt

STEPS = 200
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("script, shell", "script", {"script": "echo 'OUTPUT: 1'"}),
    ("script, python", "script", {"language": "python", "script": "print('OUTPUT: 1')"}),
    ("function", "function", {"call": "work:one"}),
]


async def measure(runner: Runner, action_type: str, spec: dict[str, Any]) -> tuple[float, float]:
    """Milliseconds of a step: the first one, and the mean of the others."""
    took = []
    for _ in range(STEPS):
        began = time.perf_counter()
        result = await runner.run(attempt(action_type, spec), KeptLines(), Halt())
        assert result.output == 1
        took.append((time.perf_counter() - began) * 1000)
    return took[0], sum(took[1:]) / (STEPS - 1)


async def main() -> None:
    """Print the table."""
    adopt_orphans()
    storage = MemoryStorage()
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "files")
        files.mkdir()
        (files / "work.py").write_text("import json\ndef one(): return 1\n")
        await storage.workspaces.put_revision(RevisionRecord("demo", "r1", {}), pack_folder(files))
        processes, packages = ProcessGroups("bench"), Packages(Path(folder, "cache"))
        cache = WorkspaceCache(storage.workspaces, CacheFolder(Path(folder, "cache"), "bench"), keep=2, spares=4)
        async with cache, FunctionPool(cache, processes, keep=4, blanks=1, most_calls=10_000) as pool:
            runners: dict[str, Runner] = {
                "script": ScriptRunner(
                    cache,
                    processes,
                    packages,
                    Artifacts(storage.artifacts, SystemClock()),
                    States(storage.snapshots, SystemClock()),
                ),
                "function": FunctionRunner(pool, processes, packages),
            }
            for name, action_type, spec in CASES:
                first, mean = await measure(runners[action_type], action_type, spec)
                print(f"{name:16} first {first:6.1f} ms, then {mean:6.2f} ms a step")


if __name__ == "__main__":
    asyncio.run(main())
