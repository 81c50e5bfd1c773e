"""Log lines as the API shows them: JSONL with the keys ts, stream, step, line in this order."""

from collections.abc import Iterable
from datetime import datetime

import orjson

from shared.storage.records import LogChunk

SERVER_STEP = "_server"  # the pseudo step of the engine's own lines; always attempt 0
_STYLE = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


def render_line(ts: datetime, stream: str, step: str, text: str) -> bytes:
    """One line: `{"ts":"2025-02-10T12:00:00.123Z","stream":"stdout","step":"a","line":"text"}` and a line end."""
    return orjson.dumps({"ts": ts, "stream": stream, "step": step, "line": text}, option=_STYLE)


def render_lines(step: str, lines: Iterable[tuple[datetime, str, str]]) -> list[bytes]:
    """Each of `(ts, stream, text)` as a line."""
    return [render_line(ts, stream, step, text) for ts, stream, text in lines]


def render_chunk(chunk: LogChunk, *, start: int = 0) -> list[bytes]:
    """The chunk's lines from sequence number `start` on."""
    lines = chunk.lines[start - chunk.first :] if start > chunk.first else chunk.lines
    return render_lines(chunk.step, lines)
