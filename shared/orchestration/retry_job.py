"""Starts the job that follows a failed one: the same task, revision and input once more, after a delay."""

from dataclasses import replace

from shared.engine.commands import StartRetryJob
from shared.engine.create import new_job
from shared.engine.job import Job
from shared.messages.translate import whole_millis
from shared.orchestration.create_job import JobCreator
from shared.runtime.clock import Clock


class RetryStarter:
    """Makes retries; each has the id that the engine derived, so that doing it twice makes one."""

    def __init__(self, creator: JobCreator, clock: Clock) -> None:
        self._creator = creator
        self._clock = clock

    async def start(self, failed: Job, command: StartRetryJob) -> None:
        """Create the job, which does not begin before `starts_at`; its input is the failed one's, not checked anew.

        Raises:
            Unavailable: unknown whether it was made; do it again.
        Repeats: the job is made once.
        """
        job = new_job(
            id=command.job_id,
            workspace=failed.workspace,
            task=failed.task,
            revision=failed.revision,
            flow=failed.flow,
            input=failed.input,
            raw_input=failed.raw_input,
            source_type="retry",
            source_id=failed.id,
            created_at=whole_millis(self._clock.now()),
            warnings=failed.warnings,
        )
        await self._creator.keep(
            replace(
                job,
                retry_of_job_id=command.retry_of_job_id,
                retry_attempt=command.retry_attempt,
                max_retries=command.max_retries,
                starts_at=command.starts_at,
            )
        )
