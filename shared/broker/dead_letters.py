"""Puts aside what nobody can handle, with the reason."""

from collections.abc import Callable

import structlog
from aiormq.abc import DeliveredMessage

from shared.broker.envelope import dead
from shared.broker.publisher import Publisher
from shared.broker.timings import Timings
from shared.errors import Unavailable
from shared.runtime.clock import Clock
from shared.telemetry.metrics import MESSAGES_DEAD

log = structlog.get_logger()


class DeadLetters:
    """The way to `headrace.dead`."""

    def __init__(self, publisher: Publisher, *, clock: Clock, timings: Timings) -> None:
        self._publisher = publisher
        self._clock = clock
        self._timings = timings

    async def put(self, raw: DeliveredMessage, *, queue: str, reason: str) -> None:
        """Publish the delivery as it came; acknowledge it afterwards.

        Raises:
            BrokerUnavailable, Unroutable: it is still the queue's.
        """
        await self._publisher.send([dead(raw, queue, reason)])
        log.error("message.dead", queue=queue, reason=reason, message_id=raw.header.properties.message_id)
        MESSAGES_DEAD.labels(queue).inc()

    async def put_at_last(self, raw: DeliveredMessage, *, queue: str, reason: str, is_ours: Callable[[], bool]) -> bool:
        """Try for as long as the delivery `is_ours`; answers whether it is put aside."""
        for delay in self._timings.delays():
            try:
                await self.put(raw, queue=queue, reason=reason)
            except Unavailable as error:
                log.warning("message.not_put_aside", queue=queue, error=error.message)
            else:
                return True
            await self._clock.sleep(delay)
            if not is_ours():
                break
        return False
