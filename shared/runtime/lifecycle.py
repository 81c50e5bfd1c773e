"""Start, supervised loops and stop of a service process."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

import structlog
import uvloop

from shared.errors import HeadraceError, Unavailable
from shared.runtime.settings import SettingsRefused

log = structlog.get_logger()

FIRST_DELAY = timedelta(milliseconds=100)
LONGEST_DELAY = timedelta(seconds=5)  # a part of the world that is back is noticed this soon
Body = Callable[[], Awaitable[None]]


class Lifecycle:
    """One process's will to live: the stop signal, and what troubles its loops."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self._troubles: dict[str, str] = {}

    @property
    def troubles(self) -> dict[str, str]:
        """`{loop: why its last round failed}`; empty when all is well."""
        return dict(self._troubles)

    async def repeat(self, loop: str, body: Body) -> None:
        """Run `body` again and again until the stop signal; a failed round waits (0.1 s doubling to 5 s) and is told.

        This is one of the two places that own a failure of any kind: a loop never dies of one.
        """
        delay = FIRST_DELAY
        while not self.stopping.is_set():
            try:
                await body()
            except Exception as error:  # the loop's owner: told, counted, tried again
                self._troubles[loop] = str(error) or type(error).__name__
                is_expected = isinstance(error, Unavailable)
                log.warning("loop.failed", loop=loop, error=repr(error), exc_info=not is_expected)
                await self.pause(delay)
                delay = min(delay * 2, LONGEST_DELAY)
            else:
                delay = FIRST_DELAY
                self._troubles.pop(loop, None)

    async def pause(self, duration: timedelta) -> None:
        """Wait this long, or until the stop signal."""
        try:
            async with asyncio.timeout(duration.total_seconds()):
                await self.stopping.wait()
        except TimeoutError:
            return


def run_service(start: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a service's coroutine to its end; exit code 0 after a clean stop, 2 with a sentence when it can't start."""
    try:
        uvloop.run(start())
    except SettingsRefused as error:
        sys.exit(f"headrace: {error}")
    except HeadraceError as error:
        sys.exit(f"headrace: {error.message}")


def stop_on_signals(lifecycle: Lifecycle) -> None:
    """SIGTERM and SIGINT begin a clean stop; a second one changes nothing."""
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, lifecycle.stopping.set)
