"""Carries out commands that start or end other jobs."""

from contextlib import suppress

from shared.engine.commands import CancelChild, StartChild, StartHook, StartRetryJob
from shared.errors import Conflict, NotFound
from shared.orchestration.carry_out import Owed
from shared.orchestration.retry_job import RetryStarter
from shared.orchestration.start_child import Cancel, ChildStarter
from shared.orchestration.start_hook import HookStarter


class ActOnJobs:
    """The one place that knows what each such command means; all of them may be carried out twice."""

    def __init__(self, hooks: HookStarter, children: ChildStarter, retries: RetryStarter, cancel: Cancel) -> None:
        self._hooks = hooks
        self._children = children
        self._retries = retries
        self._cancel = cancel

    async def act(self, owed: Owed) -> bool:
        """Whether it is done; False: a sub-job to be cancelled is not there, so that somebody must look again later.

        Raises:
            Unavailable: unknown whether it was done; do it again.
        """
        match owed.command:
            case StartHook():
                await self._hooks.start(owed)
            case StartChild() as start:
                await self._children.start(owed, start)
            case StartRetryJob() as retry:
                await self._retries.start(owed.job, retry)
            case CancelChild() as cancel:
                return await self._cancel_child(owed, cancel)
        return True

    async def _cancel_child(self, owed: Owed, command: CancelChild) -> bool:
        """The sub-job is perhaps about to be created: the command stands until the sweep has tried it, too."""
        try:
            with suppress(Conflict):  # it has ended already
                await self._cancel(command.job_id, f"job {owed.job.id}")
        except NotFound:
            return False
        return True
