"""Jobs and what they owe as documents, and back.

What users may shape (input, output, templates) is stored as JSON text: no key, depth or integer of theirs meets a rule
of the database. Times are kept to the millisecond, as BSON does. None and a step's defaults are left out. The flow is a
digest; its text is kept once for all jobs that follow it.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, get_args

from pydantic import TypeAdapter

from shared.engine.commands import Command
from shared.engine.flow import Flow
from shared.engine.job import Job, Step
from shared.engine.states import StepStatus
from shared.storage.codecs import find_codecs, find_defaults
from shared.storage.look_ups import OWING, encode_look_ups
from shared.storage.records import JobSave, StoredJob
from shared.storage.step_keys import decode_key, encode_key

Document = dict[str, Any]

_FLOW = TypeAdapter(Flow)
_COMMANDS: dict[str, TypeAdapter[Any]] = {kind.__name__: TypeAdapter(kind) for kind in get_args(Command)}


def encode_flow(flow: Flow) -> tuple[str, str]:
    """A flow's digest and its text."""
    text = _FLOW.dump_json(flow, exclude={"dependents"})
    return sha256(text).hexdigest(), text.decode()


def decode_flow(text: str) -> Flow:
    """The flow back."""
    return _FLOW.validate_json(text)


_JOB = find_codecs(Job, apart={"id", "flow", "steps", "version"})
_STEP = find_codecs(Step)
_STEP_DEFAULTS = find_defaults(Step)
_BARE = {str(status): Step(status) for status in StepStatus}


def encode_step(step: Step) -> Document:
    """A step's status and what is not as it begins."""
    document = {"status": str(step.status)}
    for name, (encode, _) in _STEP.items():
        value = getattr(step, name)
        if value is not None and value != _STEP_DEFAULTS[name]:
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
    look_ups = encode_look_ups(job)
    return document | look_ups | {"found_by": look_ups["found_by"] + [OWING] * bool(stored.outbox)}


def decode_job(document: Mapping[str, Any], flow: Flow) -> StoredJob:
    """The job and its outbox back; `flow` is the one that the document names."""
    fields = {name: decode(document[name]) for name, (_, decode) in _JOB.items() if document.get(name) is not None}
    steps = {decode_key(key): decode_step(step) for key, step in document["steps"].items()}
    job = Job(id=document["_id"], version=document["version"], flow=flow, steps=steps, **fields)
    return StoredJob(job, tuple(decode_command(command) for command in document["outbox"]))


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
    old, new = encode_look_ups(before), encode_look_ups(job)
    changed |= {name: new[name] for name in ("leases", "workers") if new[name] != old[name]}
    changed["found_by"] = new["found_by"] + [OWING] * bool(save.outbox)  # a cleared outbox may have taken the mark
    return changed, gone


def _find_step_changes(before: Job, job: Job, changed: Document) -> list[str]:
    for name, step in job.steps.items():
        if step is not before.steps.get(name):
            changed[f"steps.{encode_key(name)}"] = encode_step(step)
    return [f"steps.{encode_key(name)}" for name in before.steps if name not in job.steps]
