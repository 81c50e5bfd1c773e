"""Events from a partition's queue become saved jobs."""

from collections.abc import Mapping, Sequence

import structlog

from shared.broker.ports import Delivery, Subscription
from shared.engine.events import Event
from shared.errors import Poison, Unavailable
from shared.messages.translate import to_event
from shared.orchestration.orchestrator import Orchestrator

log = structlog.get_logger()

Told = tuple[Delivery, Event]


class HandleBatch:
    """Owns the events of one partition from delivery to acknowledgement."""

    def __init__(self, orchestrator: Orchestrator, subscription: Subscription) -> None:
        self._orchestrator = orchestrator
        self._subscription = subscription

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Apply the events, all jobs at once; acknowledge them once everything is saved.

        An event that can't be applied goes to `headrace.dead` with its reason, alone.

        Raises:
            Unavailable: nothing is acknowledged; handle the same deliveries again.
        Repeats: harmless (idempotency table: engine event).
        """
        told = await self._translate(deliveries)
        try:
            await self._orchestrator.apply(_events(told))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - the owner of these messages: each is tried alone
            log.warning("batch.failed", deliveries=len(deliveries), error=repr(error))
            await self._one_by_one(told)
        else:
            await self._subscription.acknowledge([delivery for each in told.values() for delivery, _ in each])

    async def _translate(self, deliveries: Sequence[Delivery]) -> dict[str, list[Told]]:
        """`{job: its deliveries in order}`; what is no event is buried."""
        told: dict[str, list[Told]] = {}
        for delivery in deliveries:
            try:
                job_id, event = to_event(delivery.message)
            except Poison as error:
                await self._subscription.dead_letter(delivery, error.message)
            else:
                told.setdefault(job_id, []).append((delivery, event))
        return told

    async def _one_by_one(self, told: Mapping[str, Sequence[Told]]) -> None:
        for job_id, each in told.items():
            for delivery, event in each:
                await self._handle_alone(job_id, delivery, event)

    async def _handle_alone(self, job_id: str, delivery: Delivery, event: Event) -> None:
        try:
            await self._orchestrator.apply({job_id: [event]})
        except Unavailable:
            raise
        except Exception as error:  # the owner of this message: told, buried, the others go on
            log.exception("event.broken", job_id=job_id, kind=type(event).__name__)
            await self._subscription.dead_letter(delivery, f"{type(error).__name__}: {error}")
        else:
            await self._subscription.acknowledge([delivery])


def _events(told: Mapping[str, Sequence[Told]]) -> dict[str, list[Event]]:
    return {job_id: [event for _, event in each] for job_id, each in told.items()}
