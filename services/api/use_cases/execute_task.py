"""Starts a job of a task, once per Idempotency-Key."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson
from pydantic import ValidationError
from uuid_utils import uuid7

from services.api.error_responses import field_problems, sentence_of
from services.api.models.jobs import ExecuteRequest
from services.api.parts import checked_id
from services.api.use_cases.read_workspaces import find_task
from shared.definition.connections import connections_for
from shared.definition.field_types import TYPES
from shared.definition.inputs import resolve_input
from shared.definition.models import InputField
from shared.errors import Conflict, InvalidInput
from shared.orchestration.catalog import Catalog
from shared.orchestration.create_job import NewJob
from shared.orchestration.orchestrator import Orchestrator
from shared.storage.ports import IdempotencyStore, JobStore, Storage

SOURCE_TYPE = "api"
RERUN = "rerun"
HIDDEN = "••••••"
"""What answers show in place of a secret value."""
KEY_LIMIT = 255


async def execute_task(
    catalog: Catalog,
    orchestrator: Orchestrator,
    storage: Storage,
    workspace: str,
    task: str,
    body: Any,
    key: str | None,
) -> str:
    """Create the job; answers its id.

    Raises:
        NotFound: no such workspace or task.
        InvalidInput: the body, the input or the source job does not fit, or the task's definition has errors.
        Conflict: the key was used with another body.
    Repeats: with the same key and body, the first call's job id.
    """
    request = _parse(body)
    loaded = await catalog.current(workspace)
    definition = find_task(loaded, task)
    values, source_id = request.input, request.source_job_id
    if source_id is not None:
        values = restore_hidden(definition.input, values, await _load_source(storage.jobs, source_id, workspace))
    job_id = str(uuid7())
    if key is not None:
        loaded.flow_of(task)
        connections = connections_for(loaded.definition, definition.input)
        resolve_input(definition.input, values, connections)  # a refused request does not use the key up
        body_told = values if source_id is None else [values, source_id]
        job_id = await claim_id(storage.idempotency, ["execute", workspace, task, key], body_told, job_id)
    new = NewJob(
        workspace=workspace,
        task=task,
        input=values,
        source_type=SOURCE_TYPE if source_id is None else RERUN,
        job_id=job_id,
        source_job_id=source_id,
    )
    return (await orchestrator.create(new)).id


def restore_hidden(
    fields: Mapping[str, InputField], values: Mapping[str, Any], source: Mapping[str, Any]
) -> dict[str, Any]:
    """The values of a form that was filled from another job: what that form hid is as it was there, or left out."""
    hidden = {name for name, value in values.items() if value == HIDDEN and name in fields and _is_hidden(fields[name])}
    kept = {name: value for name, value in values.items() if name not in hidden}
    return kept | {name: source[name] for name in hidden if name in source}


def _is_hidden(field: InputField) -> bool:
    return field.secret or field.type not in TYPES


async def _load_source(jobs: JobStore, job_id: str, workspace: str) -> Mapping[str, Any]:
    """The raw input of the job that this one is started from."""
    job_id = checked_id(job_id, "source_job_id: Invalid job ID")
    found = (await jobs.load([job_id])).get(job_id)
    if found is None:
        raise InvalidInput(f"Source job {job_id} not found")
    if found.job.workspace != workspace:
        raise InvalidInput("Source job belongs to a different workspace")
    return found.job.raw_input


def _parse(body: Any) -> ExecuteRequest:
    try:
        return ExecuteRequest.model_validate({} if body is None else body)
    except ValidationError as error:
        found = field_problems(error.errors(include_url=False, include_input=False))
        raise InvalidInput(sentence_of(found), problems=found) from None


async def claim_id(idempotency: IdempotencyStore, name: list[str], body: Any, job_id: str) -> str:
    """The id of the first call with this key, which `name` ends with, or this one's.

    Raises:
        InvalidInput: a key of absurd length.
        Conflict: the key was used with another body.
    """
    key = name[-1]
    if not key or len(key) > KEY_LIMIT:
        raise InvalidInput(f"Idempotency-Key must have 1 to {KEY_LIMIT} characters")
    digest = sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    first_digest, first_id = await idempotency.claim(sha256(orjson.dumps(name)).hexdigest(), digest, job_id)
    if first_digest != digest:
        raise Conflict("Idempotency-Key was used before with another body")
    return first_id
