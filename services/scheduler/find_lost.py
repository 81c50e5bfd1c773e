"""Finds workers that fell silent, and tells the jobs whose steps they had."""

from datetime import timedelta

import structlog

from shared.broker.ports import Broker, Outgoing
from shared.broker.topology import EVENT_EXCHANGE, partition_of
from shared.messages.translate import to_step_lost
from shared.runtime.clock import Clock
from shared.storage.ports import JobStore, WorkerStore
from shared.storage.records import RunningStep, WorkerRecord
from shared.telemetry.metrics import WORKERS_LOST

log = structlog.get_logger()

EVERY = timedelta(seconds=2)


class FindLost:
    """Any number of schedulers may do it: two that call a step lost make it lost once (idempotency: engine event)."""

    def __init__(
        self,
        workers: WorkerStore,
        jobs: JobStore,
        broker: Broker,
        clock: Clock,
        *,
        partitions: int,
        silent_for: timedelta,
    ) -> None:
        self._workers = workers
        self._jobs = jobs
        self._broker = broker
        self._clock = clock
        self._partitions = partitions
        self._silent_for = silent_for

    async def look(self) -> int:
        """Report the steps of silent workers, then call those workers inactive; answers how many workers that were.

        What a worker had is what its last heartbeat said and what the jobs say: either may be the older one.

        Raises:
            Unavailable: a worker that is not called inactive yet is found again.
        """
        silent = await self._workers.find_silent(self._silent_for)
        for worker in silent:
            steps = sorted({*worker.running, *await self._jobs.find_running_on(worker.id)}, key=_key)
            await self._broker.publish([self._to_outgoing(worker, step) for step in steps])
            await self._workers.mark_inactive(worker.id)
            WORKERS_LOST.inc()
            log.warning("worker.lost", worker_id=worker.id, name=worker.name, steps=len(steps))
        return len(silent)

    def _to_outgoing(self, worker: WorkerRecord, step: RunningStep) -> Outgoing:
        reason = f"no heartbeat for {self._silent_for.total_seconds():g}s"
        message = to_step_lost(step.job_id, step.step, step.attempt, worker.id, reason=reason, at=self._clock.now())
        return Outgoing(EVENT_EXCHANGE, str(partition_of(step.job_id, self._partitions)), message)


def _key(step: RunningStep) -> tuple[str, str, int]:
    return step.job_id, step.step, step.attempt
