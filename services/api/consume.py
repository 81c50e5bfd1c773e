"""Runs a loop over a subscription until the stop signal."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from shared.broker.ports import Subscription
from shared.runtime.lifecycle import Lifecycle

DRAIN = timedelta(seconds=5)  # for the round in hand; what is not acknowledged by then comes again to another instance


async def consume(
    lifecycle: Lifecycle,
    loop: str,
    body: Callable[[], Awaitable[None]],
    subscription: Callable[[], Subscription | None],
) -> None:
    """Repeat `body`; after the stop signal close the subscription, let the round in hand end, then give up on it."""
    async with asyncio.TaskGroup() as tasks:
        repeating = tasks.create_task(lifecycle.repeat(loop, body), name=loop)
        await lifecycle.stopping.wait()
        opened = subscription()
        if opened is not None:
            await opened.close()
        await asyncio.wait((repeating,), timeout=DRAIN.total_seconds())
        repeating.cancel()
