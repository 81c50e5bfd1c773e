"""Waiting at start for parts of the world that come up later."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog

from shared.errors import Unavailable
from shared.runtime.lifecycle import Lifecycle

log = structlog.get_logger()

Part = TypeVar("Part")
BETWEEN = timedelta(seconds=1)  # attempts; a part that is back is noticed this soon


async def reach(what: str, connect: Callable[[], Awaitable[Part]], lifecycle: Lifecycle) -> Part:
    """What `connect` answers, asked again for as long as it raises Unavailable; each failure is told.

    Raises:
        SystemExit: the stop signal came first; code 0, nothing was begun.
        Broken, Rejected: it is there and does not fit; waiting would not help.
    """
    while not lifecycle.stopping.is_set():
        connecting = asyncio.ensure_future(connect())
        stopping = asyncio.ensure_future(lifecycle.stopping.wait())
        try:
            await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if connecting.done():
                return connecting.result()
        except Unavailable as error:
            log.warning("start.waiting", part=what, error=error.message)
            await lifecycle.pause(BETWEEN)
        finally:
            stopping.cancel()
            connecting.cancel()
            await asyncio.gather(connecting, stopping, return_exceptions=True)
    raise SystemExit(0)
