"""A job's log as one JSON answer, made while it is sent: a million lines need no more memory than a hundred."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import orjson

from services.api.log_cursors import expected_ends
from services.api.log_lines import SERVER_STEP, render_chunk
from shared.engine.job import Job
from shared.errors import NotFound
from shared.storage.ports import LogStore

PIECE_BYTES = 64 * 1024
LOOK_EVERY = timedelta(milliseconds=50)


def check_step(job: Job, step: str) -> None:
    """Whether the job has this step, or it is `_server`.

    Raises:
        NotFound: it has not; the text names it.
    """
    if step != SERVER_STEP and step not in job.steps:
        raise NotFound(f"Step '{step}' not found in job {job.id}")


async def wait_until_whole(logs: LogStore, job: Job, step: str | None, longest: timedelta) -> None:
    """Of a job or step that has ended: wait until the lines that it is known to have are stored, at most `longest`."""
    found = job.steps.get(step) if step is not None else None
    has_ended = job.status.is_terminal or (found is not None and found.status.is_terminal)
    expected = expected_ends(job, step=step)
    if not has_ended or not expected:
        return
    loop = asyncio.get_running_loop()
    deadline = loop.time() + longest.total_seconds()
    while loop.time() < deadline:
        stored = await logs.count_lines(job.id)
        if all(stored.get(key, 0) >= end for key, end in expected.items()):
            return
        await asyncio.sleep(LOOK_EVERY.total_seconds())


async def log_answer(logs: LogStore, job_id: str, step: str | None) -> AsyncIterator[bytes]:
    """The pieces of `{"logs": "<JSONL>"}`; an error in the middle breaks the connection off."""
    piece = [b'{"logs":"']
    size = 0
    async for chunk in logs.read(job_id, step=step):
        text = b"".join(render_chunk(chunk))
        piece.append(orjson.dumps(text.decode())[1:-1])
        size += len(text)
        if size >= PIECE_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    piece.append(b'"}')
    yield b"".join(piece)
