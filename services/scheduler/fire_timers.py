"""Tells jobs that a timer of theirs is due."""

from datetime import timedelta

from shared.broker.ports import Broker, Outgoing
from shared.broker.topology import EVENT_EXCHANGE, partition_of
from shared.messages.wire import TimerFiredMessage
from shared.runtime.clock import Clock
from shared.storage.ports import TimerStore
from shared.storage.records import Timer

BATCH = 200  # timers in one publish
LONGEST_WAIT = timedelta(milliseconds=500)  # a timer that is set meanwhile and due sooner is this late at most


class FireTimers:
    """Any number of schedulers may do it: what two of them tell, the engine hears once (idempotency table: timer)."""

    def __init__(self, timers: TimerStore, broker: Broker, clock: Clock, *, partitions: int) -> None:
        self._timers = timers
        self._broker = broker
        self._clock = clock
        self._partitions = partitions

    async def look(self) -> timedelta:
        """Fire what is due, and answer how long there is nothing to do.

        Raises:
            Unavailable: what is not confirmed stays in the database and is fired again.
        """
        due_at = await self._timers.next_due_at()
        if due_at is None:
            return LONGEST_WAIT
        wait = due_at - self._clock.now()
        if wait > timedelta():
            return min(wait, LONGEST_WAIT)
        due = await self._timers.find_due(self._clock.now(), BATCH)
        await self._broker.publish([self._to_outgoing(timer) for timer in due])
        await self._timers.remove([timer.id for timer in due])
        return timedelta()

    def _to_outgoing(self, timer: Timer) -> Outgoing:
        message = TimerFiredMessage(
            id=timer.id,
            occurred_at=self._clock.now(),
            correlation_id=timer.job_id,
            job_id=timer.job_id,
            kind=timer.kind,
            step=timer.step,
            attempt=timer.attempt,
        )
        return Outgoing(EVENT_EXCHANGE, str(partition_of(timer.job_id, self._partitions)), message)
