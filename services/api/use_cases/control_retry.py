"""Retries a whole job as a new one, once per Idempotency-Key."""

from uuid_utils import uuid7

from services.api.use_cases.execute_task import claim_id
from shared.orchestration.orchestrator import Orchestrator
from shared.storage.ports import IdempotencyStore


async def retry_job(orchestrator: Orchestrator, idempotency: IdempotencyStore, job_id: str, key: str | None) -> str:
    """The id of the job that takes up the work.

    Raises:
        NotFound: no such job.
        Conflict: it has not ended.
        InvalidInput: an Idempotency-Key of absurd length.
    Repeats: with the same key, the first call's job id.
    """
    new_id = str(uuid7())
    if key is not None:
        await orchestrator.check_retry(job_id)  # a refused request does not use the key up
        new_id = await claim_id(idempotency, ["retry", job_id, key], {}, new_id)
    return (await orchestrator.retry(job_id, new_id)).id
