"""What an attempt says to the engine, until the broker has it."""

from services.worker.persist import publish_until_kept
from services.worker.runners.runner import StepResult
from shared.broker.ports import Broker, Outgoing
from shared.broker.topology import EVENT_EXCHANGE, partition_of
from shared.engine.identity import command_id
from shared.engine.states import Outcome
from shared.errors import Unavailable
from shared.messages.wire import (
    EventMessage,
    RunStepMessage,
    StepFinishedMessage,
    StepLostMessage,
    StepStartedMessage,
)
from shared.runtime.clock import Clock
from shared.telemetry.metrics import STEPS_ENDED


class Report:
    """One attempt's events, in order; engine events are idempotent by (step, attempt)."""

    def __init__(self, broker: Broker, clock: Clock, step: RunStepMessage, *, worker_id: str, partitions: int) -> None:
        self._broker = broker
        self._clock = clock
        self._step = step
        self._worker_id = worker_id
        self._key = str(partition_of(step.job_id, partitions))
        self._unsaid: list[Outgoing] = []

    async def say_started(self) -> None:
        """Tell that it began; if the broker did not take it, the last report goes out together with it."""
        started = self._begun()
        try:
            await self._broker.publish([started])
        except Unavailable:
            self._unsaid = [started]

    async def say_finished(self, result: StepResult, log_lines: int) -> None:
        """Tell how it ended; returns once the broker has it, however long that takes."""
        await self._say_last(
            StepFinishedMessage(
                id=self._id("finished"),
                occurred_at=self._clock.now(),
                correlation_id=self._step.job_id,
                job_id=self._step.job_id,
                step=self._step.step,
                attempt=self._step.attempt,
                worker_id=self._worker_id,
                outcome=result.outcome,
                output=result.output if result.outcome is Outcome.COMPLETED else None,
                error=result.error,
                exit_code=result.exit_code,
                log_lines=log_lines,
            )
        )
        STEPS_ENDED.labels(result.outcome).inc()

    async def say_lost(self, reason: str) -> None:
        """Tell that this worker gives it up; returns once the broker has it, however long that takes."""
        await self._say_last(
            StepLostMessage(
                id=self._id("lost"),
                occurred_at=self._clock.now(),
                correlation_id=self._step.job_id,
                job_id=self._step.job_id,
                step=self._step.step,
                attempt=self._step.attempt,
                worker_id=self._worker_id,
                reason=reason,
            )
        )

    async def _say_last(self, message: EventMessage) -> None:
        await publish_until_kept(self._broker, self._clock, [*self._unsaid, self._outgoing(message)])

    def _begun(self) -> Outgoing:
        started = StepStartedMessage(
            id=self._id("started"),
            occurred_at=self._clock.now(),
            correlation_id=self._step.job_id,
            job_id=self._step.job_id,
            step=self._step.step,
            attempt=self._step.attempt,
            worker_id=self._worker_id,
        )
        return self._outgoing(started)

    def _outgoing(self, message: EventMessage) -> Outgoing:
        return Outgoing(EVENT_EXCHANGE, self._key, message)

    def _id(self, kind: str) -> str:
        return command_id(self._step.job_id, self._step.step, self._step.attempt, kind)
