"""Starts a job of a task, once per Idempotency-Key."""

from hashlib import sha256
from typing import Any

import orjson
from pydantic import ValidationError
from uuid_utils import uuid7

from services.api.error_responses import field_problems, sentence_of
from services.api.models.jobs import ExecuteRequest
from services.api.use_cases.read_workspaces import find_task
from shared.definition.inputs import resolve_input
from shared.errors import Conflict, InvalidInput
from shared.orchestration.catalog import Catalog
from shared.orchestration.create_job import NewJob
from shared.orchestration.orchestrator import Orchestrator
from shared.storage.ports import IdempotencyStore

SOURCE_TYPE = "api"
KEY_LIMIT = 255


async def execute_task(
    catalog: Catalog,
    orchestrator: Orchestrator,
    idempotency: IdempotencyStore,
    workspace: str,
    task: str,
    body: Any,
    key: str | None,
) -> str:
    """Create the job; answers its id.

    Raises:
        NotFound: no such workspace or task.
        InvalidInput: the body or the input does not fit, or the task's definition has errors.
        Conflict: the key was used with another body.
    Repeats: with the same key and body, the first call's job id.
    """
    request = _parse(body)
    loaded = await catalog.current(workspace)
    definition = find_task(loaded, task)
    job_id = str(uuid7())
    if key is not None:
        loaded.flow_of(task)
        resolve_input(definition.input, request.input)  # a refused request does not use the key up
        job_id = await _claim(idempotency, key, workspace, task, request, job_id)
    new = NewJob(workspace=workspace, task=task, input=request.input, source_type=SOURCE_TYPE, job_id=job_id)
    return (await orchestrator.create(new)).id


def _parse(body: Any) -> ExecuteRequest:
    try:
        return ExecuteRequest.model_validate({} if body is None else body)
    except ValidationError as error:
        found = field_problems(error.errors(include_url=False, include_input=False))
        raise InvalidInput(sentence_of(found), problems=found) from None


async def _claim(
    idempotency: IdempotencyStore, key: str, workspace: str, task: str, request: ExecuteRequest, job_id: str
) -> str:
    if not key or len(key) > KEY_LIMIT:
        raise InvalidInput(f"Idempotency-Key must have 1 to {KEY_LIMIT} characters")
    name = sha256(orjson.dumps(["execute", workspace, task, key])).hexdigest()
    digest = sha256(orjson.dumps(request.input, option=orjson.OPT_SORT_KEYS)).hexdigest()
    first_digest, first_id = await idempotency.claim(name, digest, job_id)
    if first_digest != digest:
        raise Conflict("Idempotency-Key was used before with another body")
    return first_id
