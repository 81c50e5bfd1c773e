"""Commands to run steps, for tests of workers."""

from datetime import UTC, datetime
from typing import Any

from shared.messages.wire import RunStepMessage

SENT_AT = datetime(2026, 1, 1, tzinfo=UTC)


def a_step(**fields: Any) -> RunStepMessage:
    """A command to run a shell script."""
    values: dict[str, Any] = {
        "id": "job-1/work/1/run",
        "occurred_at": SENT_AT,
        "correlation_id": "job-1",
        "job_id": "job-1",
        "workspace": "demo",
        "task": "work",
        "revision": "r1",
        "step": "work",
        "attempt": 1,
        "route": "script",
        "action_name": "work",
        "action_type": "script",
        "runner": "local",
        "spec": {"script": "true"},
        "input": {},
    }
    return RunStepMessage(**{**values, **fields})
