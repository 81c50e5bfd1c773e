"""Jobs and log chunks for tests of logs."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.api.live_feed import LiveChunk
from services.api.log_lines import render_chunk
from services.api.view_logs import Patience
from shared.broker.ports import Outgoing
from shared.broker.topology import LOG_EXCHANGE
from shared.engine.job import Job, Step
from shared.engine.states import JobStatus, StepStatus
from shared.messages.wire import LogChunkMessage, LogLine
from shared.storage.records import LogChunk
from tests.support.jobs import job_of, step

JOB_ID = "01920f6e-7c1a-7def-8a4b-3f1d2c5b6a70"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
QUICK = Patience(
    gap=timedelta(seconds=0.3),
    grace=timedelta(seconds=0.1),
    retry=timedelta(seconds=0.005),
    longest_retry=timedelta(seconds=0.02),
    idle=timedelta(seconds=0.05),
    send=timedelta(seconds=1),
)


def running_job(*steps: str) -> Job:
    """A job whose steps run their first attempt."""
    job = replace(job_of(*(step(name) for name in steps)), id=JOB_ID, status=JobStatus.RUNNING)
    return replace(job, steps={name: Step(status=StepStatus.RUNNING, attempt=1) for name in steps})


def ended_job(lines: Mapping[str, int | None], *, server_lines: int = 0) -> Job:
    """A completed job; `lines` is `{step: lines it wrote}`, None: its worker was lost."""
    job = running_job(*lines)
    steps = {
        name: Step(status=StepStatus.COMPLETED, attempt=1, log_lines={} if count is None else {"1": count})
        for name, count in lines.items()
    }
    return replace(job, status=JobStatus.COMPLETED, open_steps=0, steps=steps, server_lines=server_lines)


def chunk(step_name: str, first: int, count: int, *, attempt: int = 1, job_id: str = JOB_ID) -> LogChunk:
    """Lines `first` to `first + count - 1`, each saying which it is."""
    lines = tuple(
        (BEGIN + timedelta(milliseconds=number), "stdout", f"line {number}") for number in range(first, first + count)
    )
    return LogChunk(job_id, step_name, attempt, first, lines)


def live(stored: LogChunk) -> LiveChunk:
    """The chunk as a viewer's feed has it."""
    lines = render_chunk(stored)
    return LiveChunk(stored.step, stored.attempt, stored.first, lines, sum(map(len, lines)))


def message(stored: LogChunk) -> LogChunkMessage:
    """The chunk as a worker sends it."""
    lines = [
        LogLine(ts=ts, stream="stderr" if stream == "stderr" else "stdout", text=text)
        for ts, stream, text in stored.lines
    ]
    name = f"{stored.job_id}/{stored.step}/{stored.attempt}/{stored.first}"
    return LogChunkMessage(
        id=name,
        occurred_at=BEGIN,
        correlation_id=stored.job_id,
        job_id=stored.job_id,
        step=stored.step,
        attempt=stored.attempt,
        first=stored.first,
        lines=lines,
    )


def outgoing(*chunks: LogChunk) -> list[Outgoing]:
    """The chunks on their way to whoever wants them."""
    return [Outgoing(LOG_EXCHANGE, one.job_id, message(one)) for one in chunks]


def parse(text: str) -> list[dict[str, Any]]:
    """JSONL as objects."""
    return [json.loads(line) for line in text.split("\n") if line]


def texts(shown: str, step_name: str) -> list[str]:
    """What the step's lines say."""
    return [line["line"] for line in parse(shown) if line["step"] == step_name]


def numbered(count: int) -> list[str]:
    """`line 0` to `line <count - 1>`."""
    return [f"line {number}" for number in range(count)]
