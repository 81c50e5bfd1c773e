"""Takes the steps of one route, as many as there are free slots."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from services.worker.slots import Slots
from shared.broker.ports import Broker, Delivery, Subscription
from shared.broker.topology import step_queue
from shared.errors import Unavailable
from shared.messages.wire import RunStepMessage

log = structlog.get_logger()

SLOT_WITHIN = timedelta(seconds=1)  # a delivery that finds no slot for longer is better off with another worker
LAST_LOOK = timedelta(milliseconds=50)

Handle = Callable[[RunStepMessage, bool], Awaitable[bool]]
"""Runs a step, told whether its command is a repeat; False: it was not begun, somebody else may."""


class RouteTaker:
    """One route's subscription.

    The delivery of a step is held while the step runs, so that the broker's prefetch counts the free slots, and the
    step goes to another worker the moment this one dies. Held for `hold` (well below the broker's limit of 30 min) it
    is acknowledged, and the heartbeat alone says who has the step. Whatever upsets the count (that, another route's
    steps, deliveries of a lost connection) ends in a prefetch of the free slots, renewed whenever a slot is free.
    """

    def __init__(
        self, route: str, broker: Broker, slots: Slots, handle: Handle, *, hold: timedelta, steps: asyncio.TaskGroup
    ) -> None:
        self.route = route
        self._broker = broker
        self._slots = slots
        self._handle = handle
        self._hold_for = hold
        self._steps = steps
        self._here: dict[tuple[str, str, int], bool] = {}  # what runs here, and whether its delivery is held
        self._subscription: Subscription | None = None
        self._resizing = asyncio.Lock()
        self._is_short = False
        self._released = asyncio.Event()
        slots.tell_release(self._released.set)

    @property
    def held(self) -> int:
        """How many deliveries are in hand."""
        return sum(self._here.values())

    async def open(self) -> None:
        """Subscribe, at the first call."""
        if self._subscription is None:
            self._subscription = await self._broker.subscribe(step_queue(self.route), prefetch=self._slots.total)

    async def take(self) -> None:
        """Open the route, or take what is there, once; opening is a round of its own, so that one that heals is told.

        Raises:
            BrokerUnavailable: try again.
        """
        if self._subscription is None:
            await self.open()
            return
        for delivery in await self._source.take(self._slots.total):
            await self._accept(delivery)

    async def grow(self) -> None:
        """Ask for more steps once a slot is free again, if fewer were asked for."""
        await self._released.wait()
        self._released.clear()
        if self._is_short and self._slots.free > 0:
            await self._resize()

    async def stop(self) -> None:
        """Take no more; what runs stays in hand, what was delivered and not begun goes back."""
        if self._subscription is None:
            return
        with suppress(Unavailable):
            await self._subscription.resize(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_LOOK.total_seconds()):
                left = await self._subscription.take(self._slots.total)
                await self._subscription.give_back(left)

    async def close(self) -> None:
        """Give up what is still in hand."""
        if self._subscription is not None:
            await self._subscription.close()

    @property
    def _source(self) -> Subscription:
        if self._subscription is None:
            raise Unavailable("the route is not open yet")
        return self._subscription

    async def _accept(self, delivery: Delivery) -> None:
        step = delivery.message
        if not isinstance(step, RunStepMessage):
            await self._source.dead_letter(delivery, "only step.run messages belong into a queue of steps")
        elif (step.job_id, step.step, step.attempt) in self._here:  # the connection was lost; it runs here all the time
            await self._resize()
            await self._source.acknowledge([delivery])
        elif await self._slots.take(within=SLOT_WITHIN):
            self._steps.create_task(self._hold(delivery, step), name=f"step.{step.step}")
        else:
            await self._resize()  # before it is given back, or it comes straight again
            await self._source.give_back([delivery])

    async def _hold(self, delivery: Delivery, step: RunStepMessage) -> None:
        """Run the step with its delivery in hand, `hold` at most."""
        key = (step.job_id, step.step, step.attempt)
        self._here[key] = True
        running = self._steps.create_task(_answer(self._handle(step, delivery.is_repeat)), name=f"run.{step.step}")
        try:
            await asyncio.wait((running,), timeout=self._hold_for.total_seconds())
            if not running.done():
                log.info("step.held_long", job_id=step.job_id, step=step.step, attempt=step.attempt)
                await self._resize()  # before the acknowledgement, or the broker takes it for a free slot
                await self._source.acknowledge([delivery])
                self._here[key] = False
            is_settled = await running
        finally:
            del self._here[key]
            self._slots.release()
        if is_settled:
            await self._source.acknowledge([delivery])
        else:
            await self._source.give_back([delivery])

    async def _resize(self) -> None:
        async with self._resizing:
            free = self._slots.free
            self._is_short = free < self._slots.total
            try:
                await self._source.resize(free)
            except Unavailable as error:  # it holds from the next connection on
                log.warning("route.not_resized", route=self.route, error=error.message)


async def _answer(handling: Awaitable[bool]) -> bool:
    return await handling
