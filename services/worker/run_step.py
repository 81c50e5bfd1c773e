"""Carries one attempt from its command to its confirmed report."""

import asyncio
import traceback
from collections.abc import Mapping

import structlog

from services.worker.halt import Halt, HaltReason
from services.worker.open_secrets import SecretOpener, conceal
from services.worker.report import Report
from services.worker.runners.runner import CannotRun, Runner, StepResult
from services.worker.ship_logs import LogShipper
from shared.broker.ports import Broker
from shared.engine.states import Outcome
from shared.errors import Unavailable
from shared.messages.wire import RunStepMessage
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import FIRST_DELAY, LONGEST_DELAY

log = structlog.get_logger()


class StepRun:
    """Runs attempts, one call each."""

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        runners: Mapping[str, Runner],
        secrets: SecretOpener,
        *,
        worker_id: str,
        partitions: int,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._runners = runners
        self._secrets = secrets
        self._worker_id = worker_id
        self._partitions = partitions

    async def run(self, step: RunStepMessage, halt: Halt) -> None:
        """Run it; returns once the broker confirmed its log and its report, so that the command may be forgotten.

        Whatever goes wrong in here fails the attempt with a sentence.
        """
        report = Report(self._broker, self._clock, step, worker_id=self._worker_id, partitions=self._partitions)
        shipper = LogShipper(self._broker, self._clock, step)
        async with asyncio.TaskGroup() as tasks:
            if halt.reason is None:
                tasks.create_task(report.say_started(), name="report.started")  # nobody waits for its confirm
            shipping = tasks.create_task(shipper.run(), name="ship_logs")
            result = await self._run_owned(step, shipper, halt)
            shipper.close()
            await shipping  # a finished step's log is in the broker
            await self._say_end(report, result, halt, shipper.count)

    async def _say_end(self, report: Report, result: StepResult, halt: Halt, log_lines: int) -> None:
        if halt.reason is HaltReason.DRAINED and result.outcome is Outcome.CANCELLED:
            await report.say_lost(HaltReason.DRAINED)
        else:
            await report.say_finished(result, log_lines)

    async def _run_owned(self, step: RunStepMessage, shipper: LogShipper, halt: Halt) -> StepResult:
        """The owner of an attempt: a defect in here is the attempt's failure, and the worker lives on."""
        try:
            opened, shipper.redactor = await self._secrets.open(step)
            result = await self._run_when_possible(opened, shipper, halt)
        except CannotRun as refusal:
            result = StepResult(Outcome.FAILED, error=str(refusal))
        except Exception as error:  # noqa: BLE001 - the owner of the attempt, as above; logged below
            told = shipper.redactor.redact_text(_sentence(error))
            # a traceback's texts may tell a secret
            log.error("step.broken", job_id=step.job_id, step=step.step, error=told, trace=_trace(error))  # noqa: TRY400 - as above
            result = StepResult(Outcome.FAILED, error=f"The worker could not run this step: {told}")
        return conceal(result, shipper.redactor)

    async def _run_when_possible(self, step: RunStepMessage, shipper: LogShipper, halt: Halt) -> StepResult:
        """Wait for as long as the store is away; runners ask it only before they start anything."""
        runner = self._runners.get(step.action_type)
        if runner is None:
            raise CannotRun(f"actions of type {step.action_type!r} are not supported by this worker")
        delay = FIRST_DELAY
        while halt.reason is None:
            try:
                return await runner.run(step, shipper, halt)
            except Unavailable as error:
                log.warning("step.waits", job_id=step.job_id, step=step.step, error=error.message)
            await self._clock.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)
        return StepResult(Outcome.CANCELLED, error="Step was cancelled")


def _trace(error: BaseException) -> list[str]:
    """Where it happened, without what was said or looked at there."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    return [type(error).__name__, *(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)]


def _sentence(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
