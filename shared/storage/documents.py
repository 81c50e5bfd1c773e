"""Jobs and what they owe as documents, and back.

What users may shape (input, output, templates) is stored as JSON text: no key, depth or integer of theirs meets a rule
of the database. Times are kept to the millisecond, as BSON does. None and defaults of steps are left out. The flow is a
digest; its text is kept once for all jobs that follow it. `found_by` is what the one index over jobs looks at:
`["task:hello", "status:running", "lease:<worker id>", "owing", …]`; each further index would slow down every save.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, get_args

from pydantic import TypeAdapter

from shared.engine.commands import Command
from shared.engine.flow import Flow
from shared.engine.job import Job, Step
from shared.engine.states import JobStatus, StepStatus
from shared.storage.json_text import dump_json, load_json
from shared.storage.records import JobSave, JobSummary, StepRow, StoredJob

Document = dict[str, Any]

_FLOW = TypeAdapter(Flow)
_COMMANDS: dict[str, TypeAdapter[Any]] = {kind.__name__: TypeAdapter(kind) for kind in get_args(Command)}


def encode_key(name: str) -> str:
    """A step's name as a field name: `a.b` is `a%2Eb`; no name becomes an operator, a path or empty."""
    if not name:
        return "%"
    safe = name.replace("%", "%25").replace(".", "%2E").replace("$", "%24")
    return safe.replace("\x00", "%00")


def decode_key(key: str) -> str:
    """The step's name back."""
    if "%" not in key:
        return key
    if key == "%":
        return ""
    return key.replace("%00", "\x00").replace("%24", "$").replace("%2E", ".").replace("%25", "%")


def to_millis(at: datetime) -> datetime:
    """The time cut to the millisecond."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def encode_flow(flow: Flow) -> tuple[str, str]:
    """A flow's digest and its text."""
    text = _FLOW.dump_json(flow, exclude={"dependents"})
    return sha256(text).hexdigest(), text.decode()


def decode_flow(text: str) -> Flow:
    """The flow back."""
    return _FLOW.validate_json(text)


_Codec = Callable[[Any], Any]


def _load_tuple(text: str) -> tuple[Any, ...]:
    return tuple(load_json(text))


_JOB: dict[str, tuple[_Codec, _Codec]] = {
    "workspace": (str, str),
    "task": (str, str),
    "revision": (str, str),
    "input": (dump_json, load_json),
    "raw_input": (dump_json, load_json),
    "source_type": (str, str),
    "created_at": (to_millis, to_millis),
    "source_id": (str, str),
    "status": (str, JobStatus),
    "reason": (str, str),
    "open_steps": (int, int),
    "output": (dump_json, load_json),
    "server_lines": (int, int),
    "are_hooks_fired": (bool, bool),
    "started_at": (to_millis, to_millis),
    "finished_at": (to_millis, to_millis),
    "warnings": (list, tuple),
    "waiting": (list, tuple),
    "busy_steps": (int, int),
    "parent_job_id": (str, str),
    "parent_step": (str, str),
    "parent_attempt": (int, int),
    "depth": (int, int),
    "retry_of_job_id": (str, str),
    "retry_job_id": (str, str),
    "retry_attempt": (int, int),
    "max_retries": (int, int),
    "starts_at": (to_millis, to_millis),
    "source_job_id": (str, str),
}
"""How each field of a job is written and read; `_id`, `flow`, `steps`, `version` and `outbox` have their own ways."""

_STEP: dict[str, tuple[_Codec, _Codec]] = {
    "status": (str, StepStatus),
    "attempt": (int, int),
    "lost_attempts": (int, int),
    "worker_id": (str, str),
    "input": (dump_json, load_json),
    "output": (dump_json, load_json),
    "error": (str, str),
    "exit_code": (int, int),
    "ready_at": (to_millis, to_millis),
    "started_at": (to_millis, to_millis),
    "finished_at": (to_millis, to_millis),
    "log_lines": (dump_json, load_json),
    "retry_attempt": (int, int),
    "retry_at": (to_millis, to_millis),
    "retry_history": (dump_json, _load_tuple),
    "suspended_at": (to_millis, to_millis),
    "waits_for": (str, str),
    "child_job_id": (str, str),
    "skip_cause": (str, str),
    "loop_source": (str, str),
    "loop_index": (int, int),
    "loop_total": (int, int),
    "loop_item": (dump_json, load_json),
    "loop_open": (int, int),
    "loop_next": (int, int),
}
LISTED_BY = ("task", "workspace", "status", "source_type")
"""By which fields jobs are listed; the one that leaves least to look at comes first."""
OWING = "owing"
"""The mark of a job whose outbox is not empty."""
_STEP_DEFAULTS: dict[str, Any] = {name: getattr(Step(), name) for name in _STEP if name != "status"}

_BARE = {str(status): Step(status) for status in StepStatus}


def encode_step(step: Step) -> Document:
    """A step without what is None or zero."""
    document = {}
    for name, (encode, _) in _STEP.items():
        value = getattr(step, name)
        if value is not None and (name not in _STEP_DEFAULTS or value != _STEP_DEFAULTS[name]):
            document[name] = encode(value)
    return document


def decode_step(document: Mapping[str, Any]) -> Step:
    """The step back; steps that nothing has happened to are one and the same."""
    if len(document) == 1:
        return _BARE[document["status"]]
    return Step(
        **{name: _STEP[name][1](value) for name, value in document.items() if value is not None and name in _STEP}
    )


def encode_command(command: Command) -> Document:
    """`{id, type, body}`; the body is JSON text."""
    kind = type(command).__name__
    return {"id": command.id, "type": kind, "body": _COMMANDS[kind].dump_json(command).decode()}


def decode_command(document: Mapping[str, Any]) -> Command:
    """The command back."""
    command: Command = _COMMANDS[document["type"]].validate_json(document["body"])
    return command


def encode_job(stored: StoredJob, flow: str) -> Document:
    """The whole document of a new job whose flow has this digest; `outbox_at` is the store's business."""
    job = stored.job
    document: Document = {"_id": job.id, "version": job.version, "flow": flow}
    for name, (encode, _) in _JOB.items():
        value = getattr(job, name)
        if value is not None:
            document[name] = encode(value)
    document["steps"] = {encode_key(name): encode_step(step) for name, step in job.steps.items()}
    document["outbox"] = [encode_command(command) for command in stored.outbox]
    look_ups = _encode_look_ups(job)
    return document | look_ups | {"found_by": look_ups["found_by"] + [OWING] * bool(stored.outbox)}


def decode_job(document: Mapping[str, Any], flow: Flow) -> StoredJob:
    """The job and its outbox back; `flow` is the one that the document names."""
    fields = {name: decode(document[name]) for name, (_, decode) in _JOB.items() if document.get(name) is not None}
    steps = {decode_key(key): decode_step(step) for key, step in document["steps"].items()}
    job = Job(id=document["_id"], version=document["version"], flow=flow, steps=steps, **fields)
    return StoredJob(job, tuple(decode_command(command) for command in document["outbox"]))


def mark(kind: str, value: str) -> str:
    """What `found_by` holds and queries ask for: `status:running`."""
    return f"{kind}:{value}"


def _encode_look_ups(job: Job) -> Document:
    """`found_by`; `leases`: who runs what now; `workers`: who has how many of the steps."""
    leases: list[Document] = []
    counts: dict[str, int] = {}
    for name, step in job.steps.items():
        if step.worker_id is None:
            continue
        counts[step.worker_id] = counts.get(step.worker_id, 0) + 1
        if step.status is StepStatus.RUNNING:
            leases.append({"worker_id": step.worker_id, "step": name, "attempt": step.attempt})
    found_by = [mark(name, str(getattr(job, name))) for name in LISTED_BY]
    found_by += [mark("worker", worker_id) for worker_id in counts]
    found_by += [mark("lease", worker_id) for worker_id in dict.fromkeys(lease["worker_id"] for lease in leases)]
    workers = [{"id": worker_id, "steps": count} for worker_id, count in counts.items()]
    return {"found_by": found_by, "leases": leases, "workers": workers}


def find_changes(save: JobSave) -> tuple[Document, list[str]]:
    """The fields to set, by path, and the paths to remove, that turn the document of `before` into that of `job`."""
    before, job = save.before, save.job
    changed: Document = {"version": job.version, "outbox": [encode_command(command) for command in save.outbox]}
    for name, (encode, _) in _JOB.items():
        old, new = getattr(before, name), getattr(job, name)
        if new is not old:
            value = None if new is None else encode(new)
            if old is None or value != encode(old):
                changed[name] = value
    gone = [] if job.steps is before.steps else _find_step_changes(before, job, changed)
    old, new = _encode_look_ups(before), _encode_look_ups(job)
    changed |= {name: new[name] for name in ("leases", "workers") if new[name] != old[name]}
    changed["found_by"] = new["found_by"] + [OWING] * bool(save.outbox)  # a cleared outbox may have taken the mark
    return changed, gone


def _find_step_changes(before: Job, job: Job, changed: Document) -> list[str]:
    for name, step in job.steps.items():
        if step is not before.steps.get(name):
            changed[f"steps.{encode_key(name)}"] = encode_step(step)
    return [f"steps.{encode_key(name)}" for name in before.steps if name not in job.steps]


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
