"""The same wish about many jobs; each answers for itself."""

import asyncio
from collections.abc import Sequence

from uuid_utils import uuid7

from services.api.models.control import BulkCancelAnswer, BulkCancelItem, BulkRetryAnswer, BulkRetryItem
from services.api.parts import checked_id
from shared.errors import Rejected
from shared.orchestration.orchestrator import Orchestrator


async def cancel_many(orchestrator: Orchestrator, job_ids: Sequence[str], by: str) -> BulkCancelAnswer:
    """Cancel each that can be. Repeats: what is cancelled already is told as failed."""

    async def cancel(job_id: str) -> BulkCancelItem:
        try:
            await orchestrator.cancel(checked_id(job_id, "Invalid job ID"), by)
        except Rejected as error:
            return BulkCancelItem(job_id=job_id, status="failed", error=error.message)
        return BulkCancelItem(job_id=job_id, status="cancelled")

    results = await asyncio.gather(*map(cancel, dict.fromkeys(job_ids)))
    failed = sum(item.error is not None for item in results)
    return BulkCancelAnswer(cancelled=len(results) - failed, failed=failed, results=list(results))


async def retry_many(orchestrator: Orchestrator, job_ids: Sequence[str]) -> BulkRetryAnswer:
    """Retry each that has ended."""

    async def retry(job_id: str) -> BulkRetryItem:
        try:
            new = await orchestrator.retry(checked_id(job_id, "Invalid job ID"), str(uuid7()))
        except Rejected as error:
            return BulkRetryItem(job_id=job_id, status="failed", error=error.message)
        return BulkRetryItem(job_id=job_id, status="retried", new_job_id=new.id)

    results = await asyncio.gather(*map(retry, dict.fromkeys(job_ids)))
    failed = sum(item.error is not None for item in results)
    return BulkRetryAnswer(retried=len(results) - failed, failed=failed, results=list(results))
