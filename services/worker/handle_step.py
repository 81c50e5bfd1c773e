"""Decides for each command whether to run it, and runs it."""

from datetime import timedelta

import structlog

from services.worker.attempts import Attempts
from services.worker.look_up import LookUp, Verdict
from services.worker.run_step import StepRun
from shared.errors import Unavailable
from shared.messages.wire import RunStepMessage
from shared.runtime.clock import Clock

log = structlog.get_logger()

ASK_AGAIN = timedelta(seconds=1)


class StepHandler:
    """What a taken command goes through. Idempotency: the row "command publish" of the table."""

    def __init__(self, attempts: Attempts, look_up: LookUp, step_run: StepRun, clock: Clock) -> None:
        self._attempts = attempts
        self._look_up = look_up
        self._step_run = step_run
        self._clock = clock

    async def handle(self, step: RunStepMessage, is_repeat: bool) -> bool:  # noqa: FBT001 - the port's shape
        """Run the command unless it is somebody else's or over; False: not begun, give it to another worker."""
        verdict = await self._judge(step, is_repeat=is_repeat)
        if verdict is None or self._attempts.is_draining:
            return False
        if verdict is Verdict.DROP:
            log.info("step.dropped", job_id=step.job_id, step=step.step, attempt=step.attempt)
            return True
        halt = self._attempts.begin(step)
        if halt is None:
            return True
        is_reported = False
        try:
            await self._step_run.run(step, halt)
            is_reported = True
        finally:
            self._attempts.end(step, is_reported=is_reported)
        return True

    async def _judge(self, step: RunStepMessage, *, is_repeat: bool) -> Verdict | None:
        """None when this worker drains before it knows."""
        if not self._look_up.is_doubtful(step, is_repeat=is_repeat):
            return Verdict.RUN
        while not self._attempts.is_draining:
            try:
                verdict = await self._look_up.judge(step, is_repeat=is_repeat)
            except Unavailable as error:
                log.warning("step.not_looked_up", job_id=step.job_id, step=step.step, error=error.message)
                await self._clock.sleep(ASK_AGAIN)
            else:
                return verdict
        return None
