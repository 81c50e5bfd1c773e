"""Publishing that does not give up."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from shared.broker.ports import Broker, Outgoing
from shared.errors import Unavailable
from shared.runtime.clock import Clock

log = structlog.get_logger()

FIRST_DELAY = timedelta(milliseconds=100)
LONGEST_DELAY = timedelta(seconds=2)
ANSWER_WITHIN = timedelta(seconds=60)  # the adapter has a deadline of its own; this one only guards against a defect


async def publish_until_kept(broker: Broker, clock: Clock, messages: Sequence[Outgoing]) -> None:
    """Publish until the broker confirms all, for as long as it takes (waits of 0.1 s doubling to 2 s).

    Repeats go out marked `is_repeat`; receivers know these messages by id.
    """
    delay = FIRST_DELAY
    while True:
        try:
            async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                return await broker.publish(messages)
        except (Unavailable, TimeoutError) as error:
            first = messages[0].message
            log.warning("publish.repeated", id=first.id, count=len(messages), error=str(error) or "no answer")
        messages = [replace(message, is_repeat=True) for message in messages]
        await clock.sleep(delay)
        delay = min(delay * 2, LONGEST_DELAY)
