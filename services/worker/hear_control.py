"""Hears what is said to this worker: cancels, new routes."""

from services.worker.attempts import Attempts
from services.worker.take_steps import StepTaker
from shared.broker.ports import Broker, Subscription
from shared.broker.topology import control_queue
from shared.messages.wire import CancelStepMessage, RouteAddedMessage

MOST_AT_ONCE = 100


class ControlHearer:
    """The worker's own control queue; new after each reconnect, so the engine's timers make up for gaps."""

    def __init__(self, worker_id: str, broker: Broker, attempts: Attempts, taker: StepTaker) -> None:
        self._queue = control_queue(f"worker.{worker_id}", "all")
        self._broker = broker
        self._attempts = attempts
        self._taker = taker
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        """Begin to listen, at the first call."""
        if self._subscription is None:
            self._subscription = await self._broker.subscribe(self._queue, prefetch=MOST_AT_ONCE)

    async def hear(self) -> None:
        """Act on what was said, once. Repeats: harmless.

        Raises:
            BrokerUnavailable: try again.
        """
        await self.open()
        if self._subscription is None:
            return
        deliveries = await self._subscription.take(MOST_AT_ONCE)
        for delivery in deliveries:
            match delivery.message:
                case CancelStepMessage() as wish:
                    self._attempts.cancel(wish)
                case RouteAddedMessage(route=route):
                    self._taker.add([route])
                case _:
                    continue
        await self._subscription.acknowledge(deliveries)
