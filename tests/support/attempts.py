"""One attempt for a runner, and what it says."""

from collections.abc import Sequence
from typing import Any

from uuid_utils import uuid7

from services.worker.redact import NOTHING_SECRET, Redactor
from services.worker.ship_logs import Stream
from shared.messages.wire import RunStepMessage
from shared.runtime.clock import SystemClock


class KeptLines:
    """A sink that keeps what is written."""

    def __init__(self, redactor: Redactor = NOTHING_SECRET) -> None:
        self.redactor = redactor
        self.lines: list[tuple[Stream, str]] = []

    @property
    def texts(self) -> list[str]:
        """The lines without their streams."""
        return [text for _, text in self.lines]

    async def write(self, stream: Stream, texts: Sequence[str]) -> None:
        self.lines += [(stream, text) for text in texts]


def attempt(action_type: str, spec: dict[str, Any], **changes: Any) -> RunStepMessage:
    """A command to run it."""
    values: dict[str, Any] = {
        "id": "run",
        "occurred_at": SystemClock().now(),
        "job_id": str(uuid7()),
        "workspace": "demo",
        "task": "test",
        "revision": "r1",
        "step": "step",
        "attempt": 1,
        "route": action_type,
        "action_name": "test",
        "action_type": action_type,
        "runner": "local",
        "input": {},
        **changes,
        "spec": spec,
    }
    return RunStepMessage(**values)
