"""Trying again until it works."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from shared.broker.timings import Timings
from shared.errors import Broken, Unavailable
from shared.runtime.clock import Clock

log = structlog.get_logger()


async def insist(
    body: Callable[[], Awaitable[None]], doing: str, clock: Clock, timings: Timings, *, until: timedelta | None = None
) -> None:
    """Run `body` until it succeeds, waiting longer after each failure; each failure is logged.

    Raises:
        Unavailable, Broken: only with `until`: its last failure after that time; Broken at once, it would not heal.
    """
    loop = asyncio.get_running_loop()
    give_up_at = None if until is None else loop.time() + until.total_seconds()
    for delay in timings.delays():
        try:
            return await body()
        except (Unavailable, Broken) as error:
            if give_up_at is not None and (isinstance(error, Broken) or loop.time() >= give_up_at):
                raise
            log.warning("broker.retry", doing=doing, error=error.message, delay_seconds=delay.total_seconds())
        await clock.sleep(delay)
    raise AssertionError("delays have no end")
