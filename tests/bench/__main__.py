"""`make bench`: measure a stack of our own, print a table, keep the figures; exit code 1 if a bound does not hold."""

import asyncio
import json
import os
import statistics
import sys
from pathlib import Path

from services.cli.client import ApiClient
from tests.bench import measures
from tests.support.stack import LocalStack

HERE = Path(__file__).parent
REPEATS = 5
SERVICES = ("api", "scheduler", "dispatcher", "worker")
Figure = tuple[str, float, float, str, bool]
"""What, our median, the bound, the unit, whether less is better."""


async def measure(stack: LocalStack) -> list[Figure]:
    """Every figure, the median of five runs where a run is short."""
    async with ApiClient(stack.api_urls[0]) as api:
        while not any(one["name"] == measures.WORKSPACE for one in await api.get("/api/workspaces")):  # noqa: ASYNC110 - another process loads it
            await asyncio.sleep(0.1)
        idle = {service: measures.memory_mib(stack.pids(service)) for service in SERVICES}
        await measures.sequential_step(api)  # the first one fills caches
        step = statistics.median([await measures.sequential_step(api) for _ in range(REPEATS)])
        rate = statistics.median([await measures.jobs_each_second(api) for _ in range(REPEATS)])
        latency = measures.p95([line for _ in range(2) for line in await measures.log_latency(api)])
    return [
        ("sequential shell step, of 40", step, 25, "ms", True),
        ("one-step jobs through REST, of 200", rate, 60, "/s", False),
        ("log line to a WebSocket client, p95", latency, 250, "ms", True),
        *((f"idle memory, {service}", used, 100, "MiB", True) for service, used in idle.items()),
    ]


def show(figures: list[Figure]) -> bool:
    """Print the table; whether every bound holds."""
    print(f"{'measure':<40} {'ours':>10} {'bound':>10}  unit")
    are_held = True
    for what, ours, bound, unit, is_less_better in figures:
        holds = ours <= bound if is_less_better else ours >= bound
        are_held &= holds
        print(f"{what:<40} {ours:>10.1f} {bound:>10.0f}  {unit:<4}{'' if holds else '  MISSED'}")
    return are_held


def main() -> None:
    """Start the stack, measure, stop it."""
    with LocalStack(apis=1, schedulers=1, dispatchers=1, workers=2, workspaces={"bench": HERE / "workspace"}) as stack:
        figures = asyncio.run(measure(stack))
    home = Path(os.environ.get("HEADRACE_HOME", ".headrace"))
    home.mkdir(exist_ok=True)
    rows = [
        dict(zip(("measure", "ours", "bound", "unit", "is_less_better"), figure, strict=True)) for figure in figures
    ]
    (home / "bench.json").write_text(json.dumps(rows, indent=2))
    sys.exit(0 if show(figures) else 1)


if __name__ == "__main__":
    main()
