"""Log chunks are acknowledged after they are written, and one bad chunk harms no other."""

from collections.abc import Sequence

import pytest

from services.api.store_logs import StoreLogs
from shared.broker.memory import MemoryBroker
from shared.broker.ports import Outgoing
from shared.broker.topology import DEAD_QUEUE, LOG_EXCHANGE, LOG_STORE_QUEUE
from shared.errors import Rejected, StoreUnavailable
from shared.storage.memory_content import MemoryLogs
from shared.storage.records import LogChunk
from tests.support.brokers import a_message
from tests.unit.api.logbook import JOB_ID, chunk, outgoing


async def subscribed(broker: MemoryBroker, logs: MemoryLogs) -> StoreLogs:
    """The consumer after its first round."""
    storing = StoreLogs(broker, logs)
    await storing.store_batch()
    return storing


async def test_what_is_stored_is_acknowledged_and_stored_once() -> None:
    broker, logs = MemoryBroker(), MemoryLogs()
    await broker.publish(outgoing(chunk("a", 0, 3), chunk("a", 3, 2), chunk("a", 0, 3)))
    storing = await subscribed(broker, logs)
    await storing.store_batch()
    assert await logs.count_lines(JOB_ID) == {("a", 1): 5}
    broker.lose_connection()
    assert broker.server.waiting_in(LOG_STORE_QUEUE.name) == []


class FailingLogs(MemoryLogs):
    """A store that fails for a while, and refuses chunks of one step for ever."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.failures = failures

    async def append(self, chunks: Sequence[LogChunk]) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable
        if any(one.step == "poison" for one in chunks):
            raise Rejected("the database can't keep this")
        await super().append(chunks)


async def test_a_batch_that_could_not_be_written_is_written_next_time() -> None:
    broker, logs = MemoryBroker(), FailingLogs(failures=1)
    await broker.publish(outgoing(chunk("a", 0, 3)))
    storing = await subscribed(broker, logs)
    with pytest.raises(StoreUnavailable):
        await storing.store_batch()
    await storing.store_batch()
    assert await logs.count_lines(JOB_ID) == {("a", 1): 3}


async def test_a_chunk_that_the_store_refuses_is_dead_and_the_others_are_kept() -> None:
    broker, logs = MemoryBroker(), FailingLogs()
    await broker.publish(outgoing(chunk("a", 0, 3), chunk("poison", 0, 1), chunk("b", 0, 2)))
    await (await subscribed(broker, logs)).store_batch()
    assert await logs.count_lines(JOB_ID) == {("a", 1): 3, ("b", 1): 2}
    assert len(broker.server.waiting_in(DEAD_QUEUE.name)) == 1


async def test_a_message_that_is_no_chunk_is_dead() -> None:
    broker, logs = MemoryBroker(), MemoryLogs()
    await broker.publish([Outgoing(LOG_EXCHANGE, JOB_ID, a_message()), *outgoing(chunk("a", 0, 1))])
    await (await subscribed(broker, logs)).store_batch()
    assert await logs.count_lines(JOB_ID) == {("a", 1): 1}
    assert len(broker.server.waiting_in(DEAD_QUEUE.name)) == 1
