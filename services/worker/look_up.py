"""Whether a command that may have been delivered before is still to be run."""

from datetime import timedelta
from enum import StrEnum

from shared.engine.job import Job
from shared.engine.states import StepStatus
from shared.messages.wire import RunStepMessage
from shared.runtime.clock import Clock
from shared.storage.ports import JobStore, WorkerStore
from shared.storage.records import RunningStep

OLD = timedelta(seconds=5)  # a command that waited longer may be about a job that was cancelled meanwhile
HOLDER_FRESH = timedelta(seconds=15)  # a worker silent for longer is lost; its steps are given out anew by the engine


class Verdict(StrEnum):
    """What to do with the command."""

    RUN = "run"
    DROP = "drop"


class LookUp:
    """Looks at the job and at the other workers before a doubtful command is run.

    Idempotency: the row "command publish" of the table: a worker drops what runs or has finished.
    """

    def __init__(self, jobs: JobStore, workers: WorkerStore, clock: Clock, heartbeat: timedelta) -> None:
        self._jobs = jobs
        self._workers = workers
        self._clock = clock
        self._heartbeat = heartbeat

    def is_doubtful(self, step: RunStepMessage, *, is_repeat: bool) -> bool:
        """Whether the command must be looked up: it may have been delivered before, or it waited for long."""
        return is_repeat or self._clock.now() - step.occurred_at > OLD

    async def judge(self, step: RunStepMessage, *, is_repeat: bool) -> Verdict:
        """Run it only if the engine still waits for it and nobody has it.

        A worker that has just begun shows it in its next heartbeat, so a repeat is looked at twice. A step that runs
        according to the job is dropped even if nobody has it: its report is on its way, or its worker is found lost.

        Raises:
            StoreUnavailable: try again.
        """
        if not await self._is_free(step):
            return Verdict.DROP
        if not is_repeat:
            return Verdict.RUN
        await self._clock.sleep(self._heartbeat * 1.2)
        return Verdict.RUN if await self._is_free(step) else Verdict.DROP

    async def _is_free(self, step: RunStepMessage) -> bool:
        stored = (await self._jobs.load([step.job_id])).get(step.job_id)
        if stored is None or not _is_awaited(stored.job, step):
            return False
        key = RunningStep(step.job_id, step.step, step.attempt)
        return not await self._workers.find_holders(key, HOLDER_FRESH)


def _is_awaited(job: Job, message: RunStepMessage) -> bool:
    step = job.steps.get(message.step)
    return (
        step is not None
        and not job.status.is_terminal
        and step.attempt == message.attempt
        and step.status is StepStatus.READY
    )
