"""What is measured of a running stack, each as seconds, a rate or bytes."""

import asyncio
import json
import statistics
import time
from collections.abc import Iterable
from datetime import datetime

import psutil

from services.cli.client import ApiClient

WORKSPACE = "bench"
ENDS_WITHIN_SECONDS = 120.0


async def sequential_step(api: ApiClient) -> float:
    """Milliseconds for each of 40 sequential shell steps, from the job's start to its end."""
    job_id = await api.execute(WORKSPACE, "chain-of-40", {})
    job = await api.wait_for_end(job_id, within_seconds=ENDS_WITHIN_SECONDS)
    return _seconds(job["created_at"], job["completed_at"]) * 1000 / len(job["steps"])


async def jobs_each_second(api: ApiClient, count: int = 200, at_once: int = 20) -> float:
    """One-step jobs through REST, accepted and ended, for each second."""
    limit = asyncio.Semaphore(at_once)
    started = time.monotonic()

    async def one() -> str:
        async with limit:
            return await api.execute(WORKSPACE, "one-step", {})

    ids = await asyncio.gather(*(one() for _ in range(count)))
    await api.wait_for_end(ids[-1], within_seconds=ENDS_WITHIN_SECONDS)  # the last to come is about the last to end
    while any([await _count(api, "pending"), await _count(api, "running")]):  # noqa: ASYNC110 - others end them
        await asyncio.sleep(0.02)
    return count / (time.monotonic() - started)


async def log_latency(api: ApiClient) -> list[float]:
    """Milliseconds from a script's print to a WebSocket client, for each line."""
    job_id = await api.execute(WORKSPACE, "speak", {})
    found = []
    async for raw in api.stream_logs(job_id):
        line = json.loads(raw)
        if line["step"] == "speak":
            found.append((time.time() - float(line["line"])) * 1000)
    return found


def memory_mib(pids: Iterable[int]) -> float:
    """The largest resident memory of these processes."""
    return max(psutil.Process(pid).memory_info().rss for pid in pids) / 2**20


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


async def _count(api: ApiClient, status: str) -> int:
    return int((await api.get("/api/jobs", workspace=WORKSPACE, status=status, limit=1))["total"])


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
