"""Starts the jobs that follow a job's end."""

import structlog

from shared.broker.ports import Broker, Outgoing
from shared.broker.topology import LOG_EXCHANGE
from shared.engine.commands import StartHook
from shared.engine.job import Job
from shared.errors import Rejected
from shared.messages.translate import SERVER_STEP
from shared.messages.wire import LogChunkMessage, LogLine
from shared.orchestration.carry_out import Owed
from shared.orchestration.create_job import JobCreator
from shared.runtime.clock import Clock

log = structlog.get_logger()

FAILED_HOOKS_ATTEMPT = 1
"""Attempt of `_server` whose lines are about hooks that could not be started; the engine's own are in attempt 0."""


class HookStarter:
    """Makes jobs of hooks; each has the id that the engine derived, so that doing it twice makes one."""

    def __init__(self, creator: JobCreator, broker: Broker, clock: Clock) -> None:
        self._creator = creator
        self._broker = broker
        self._clock = clock

    async def start(self, owed: Owed) -> None:
        """Create the hook's job; one that can't be created is told in the log of the job that it follows."""
        parent, command = owed.job, owed.command
        if not isinstance(command, StartHook):
            return
        try:
            await self._creator.create_hook(parent, command)
        except Rejected as error:
            await self._tell_failure(parent, command, error.message)

    async def _tell_failure(self, parent: Job, command: StartHook, why: str) -> None:
        now = self._clock.now()
        name = command.hook.action.name
        text = f"[hooks] Failed to fire hook {command.event}[{command.index}] for action '{name}': {why}"
        log.warning("hook.failed", job_id=parent.id, hook=name, error=why)
        message = LogChunkMessage(
            id=f"{command.id}/failed",
            occurred_at=now,
            correlation_id=parent.id,
            job_id=parent.id,
            step=SERVER_STEP,
            attempt=FAILED_HOOKS_ATTEMPT,
            first=command.index,
            lines=[LogLine(ts=now, stream="stderr", text=text)],
        )
        await self._broker.publish([Outgoing(LOG_EXCHANGE, parent.id, message)])
