"""A task that runs until it is stopped."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger()


class Supervisor:
    """The owner of one endless task."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def start(self, body: Coroutine[Any, Any, None], name: str) -> None:
        """Run it from now on."""
        self._task = asyncio.create_task(body, name=name)
        self._task.add_done_callback(_tell_death)

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._task is not None and not self._task.done()

    async def stop(self) -> None:
        """End it. Repeats: harmless."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


def _tell_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("broker.supervisor_died", task=task.get_name(), exc_info=error)
