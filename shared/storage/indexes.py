"""Every index there is, with the query or the duplicate that it serves; `_id` of each collection needs none."""

from dataclasses import dataclass
from datetime import timedelta

UP, DOWN = 1, -1


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a collection; `fields` are `(path, direction)` in order.

    `expires_after`: the database removes documents this long after the (only) field's time, within minutes.
    """

    collection: str
    name: str
    fields: tuple[tuple[str, int], ...]
    serves: str
    expires_after: timedelta | None = None


INDEXES: tuple[Index, ...] = (
    Index(
        "jobs",
        "by_mark",
        (("found_by", UP), ("_id", DOWN)),
        "jobs by task, workspace, status or source; what a worker runs and has run; jobs that owe commands",
    ),
    Index("timers", "by_due", (("due_at", UP),), "timers that are due, and the next one"),
    Index("timers", "by_job", (("job_id", UP),), "removing the timers of jobs that have ended"),
    Index("workers", "by_heartbeat", (("is_active", UP), ("heartbeat_at", UP)), "workers that have gone silent"),
    Index("workers", "by_running", (("running.job_id", UP),), "which worker has an attempt in hand"),
    Index("workers", "by_registration", (("registered_at", DOWN), ("_id", DOWN)), "the page of workers"),
    Index(
        "log_chunks",
        "by_attempt",
        (("job_id", UP), ("step", UP), ("attempt", UP), ("last", UP), ("first", UP), ("at", UP)),
        "the chunks of a job, a step or an attempt from a line on; counting lines without reading them",
    ),
    Index("partitions", "by_owner", (("owner", UP), ("expires_at", UP)), "the partitions of a dispatcher"),
    Index("snapshots", "by_scope", (("scope", UP), ("number", DOWN)), "the newest state of a task or a workspace"),
    Index(
        "dispatchers",
        "by_expiry",
        (("expires_at", UP),),
        "how many dispatchers live; forgets the dead",
        expires_after=timedelta(hours=1),
    ),
    Index(
        "idempotency_keys",
        "by_age",
        (("created_at", UP),),
        "forgetting keys after 24 h",
        expires_after=timedelta(hours=24),
    ),
)
