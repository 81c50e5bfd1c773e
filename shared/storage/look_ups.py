"""What a job's document holds for those who look for jobs, and the rows that they get.

`found_by` is what the one index over jobs looks at, as each further index would slow down every save:
`["task:hello", "status:running", "lease:<worker id>", "event:demo/order-7", "owing", …]`.
"""

from collections.abc import Mapping
from typing import Any

from shared.engine.flow import Flow
from shared.engine.job import Job
from shared.engine.states import JobStatus, StepStatus
from shared.storage.records import JobSummary, StepRow
from shared.storage.step_keys import decode_key

Document = dict[str, Any]

LISTED_BY = ("task", "workspace", "status", "source_type")
"""By which fields jobs are listed; the one that leaves least to look at comes first."""
OWING = "owing"
"""The mark of a job whose outbox is not empty."""


def mark(kind: str, value: str) -> str:
    """What `found_by` holds and queries ask for: `status:running`."""
    return f"{kind}:{value}"


def event_mark(workspace: str, key: str) -> str:
    """What `found_by` holds of a job that waits for an event of this key."""
    return mark("event", f"{workspace}/{key}")


def encode_look_ups(job: Job) -> Document:
    """`found_by`; `leases`: who runs what now; `workers`: who has how many of the steps."""
    leases: list[Document] = []
    counts: dict[str, int] = {}
    events: dict[str, None] = {}
    for name, step in job.steps.items():
        if step.waits_for is not None and step.status is StepStatus.SUSPENDED:
            events[event_mark(job.workspace, step.waits_for)] = None
        if step.worker_id is None:
            continue
        counts[step.worker_id] = counts.get(step.worker_id, 0) + 1
        if step.status is StepStatus.RUNNING:
            leases.append({"worker_id": step.worker_id, "step": name, "attempt": step.attempt})
    found_by = [mark(name, str(getattr(job, name))) for name in LISTED_BY]
    found_by += [mark("worker", worker_id) for worker_id in counts]
    found_by += [mark("lease", worker_id) for worker_id in dict.fromkeys(lease["worker_id"] for lease in leases)]
    found_by += events
    workers = [{"id": worker_id, "steps": count} for worker_id, count in counts.items()]
    return {"found_by": found_by, "leases": leases, "workers": workers}


SUMMARY_FIELDS = (
    "workspace",
    "task",
    "status",
    "reason",
    "source_type",
    "source_id",
    "revision",
    "created_at",
    "started_at",
    "finished_at",
)


def decode_summary(document: Mapping[str, Any]) -> JobSummary:
    """A row of a job list."""
    row: Document = {name: document.get(name) for name in SUMMARY_FIELDS}
    row["status"] = JobStatus(row["status"])
    return JobSummary(id=document["_id"], **row)


def decode_step_rows(document: Mapping[str, Any], flow: Flow, worker_id: str) -> list[StepRow]:
    """The steps of a job that the worker ran."""
    rows = []
    for key, step in document["steps"].items():
        if step.get("worker_id") != worker_id:
            continue
        name = decode_key(key)
        rows.append(
            StepRow(
                job_id=document["_id"],
                workspace=document["workspace"],
                task=document["task"],
                job_status=document["status"],
                step=name,
                action_type=flow.steps[name].action.type if name in flow.steps else "",
                status=step["status"],
                started_at=step.get("started_at"),
                finished_at=step.get("finished_at"),
                error=step.get("error"),
            )
        )
    return rows
