"""Keeps every workspace in step with its source, each at its own pace, until the stop signal."""

import asyncio
from datetime import timedelta

from services.scheduler.hear_refresh import HearRefresh
from services.scheduler.sync_workspaces import SyncWorkspaces
from shared.runtime.lifecycle import Body, Lifecycle

DRAIN = timedelta(seconds=2)  # for what is in hand; a fetch that takes longer is given up and done again


class FollowSources:
    """A repository that does not answer keeps nobody else waiting."""

    def __init__(self, sync: SyncWorkspaces, hear: HearRefresh) -> None:
        self._sync = sync
        self._hear = hear

    async def run(self, lifecycle: Lifecycle) -> None:
        """Look and listen."""
        loops = {f"workspace.sync {name}": self._look_at(name) for name in self._sync.names}
        loops |= {"workspaces.hear_refresh": self._hear.hear}

        async def remove_others() -> None:
            await self._sync.remove_others()
            await lifecycle.stopping.wait()

        loops |= {"workspaces.remove_others": remove_others}
        async with asyncio.TaskGroup() as tasks:
            running = {tasks.create_task(lifecycle.repeat(name, body), name=name) for name, body in loops.items()}
            await lifecycle.stopping.wait()
            await self._hear.close()
            await asyncio.wait(running, timeout=DRAIN.total_seconds())
            for task in running:
                task.cancel()

    def _look_at(self, name: str) -> Body:
        async def body() -> None:
            await self._sync.look_at(name)
            await self._sync.wait(name)

        return body
