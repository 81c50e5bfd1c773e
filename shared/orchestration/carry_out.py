"""What each command of the engine means in the world."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from shared.broker.ports import Broker, Outgoing
from shared.broker.topology import CONTROL_EXCHANGE, LOG_EXCHANGE, STEP_EXCHANGE
from shared.engine.commands import (
    CancelChild,
    CancelStep,
    Command,
    NotifyParent,
    RunStep,
    SetTimer,
    StartChild,
    StartHook,
    StartRetryJob,
    WriteServerLine,
)
from shared.engine.job import Job
from shared.errors import Unroutable
from shared.messages.translate import to_cancel_step, to_log_chunk, to_run_step
from shared.orchestration.notify_parent import ended_child
from shared.orchestration.routes import Routes
from shared.runtime.clock import Clock
from shared.storage.ports import TimerStore
from shared.storage.records import Timer
from shared.telemetry.metrics import STEPS_DISPATCHED

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Owed:
    """A command of a saved job; `is_repeat` once it may have been sent before."""

    job: Job
    command: Command
    is_repeat: bool = False


Act = Callable[[Owed], Awaitable[bool]]
"""Carries out a command of `ABOUT_JOBS`; whether it is done."""

ABOUT_JOBS = (StartHook, StartChild, StartRetryJob, CancelChild)
"""Commands that start or end other jobs; they are no messages."""


class CarryOut:
    """Sends commands to the broker or keeps them as timers.

    Every command may be carried out twice: workers and stores know it by its id (idempotency table: command publish,
    timer, log chunk).
    """

    def __init__(self, broker: Broker, timers: TimerStore, routes: Routes, clock: Clock, *, partitions: int) -> None:
        self._broker = broker
        self._timers = timers
        self._routes = routes
        self._clock = clock
        self._partitions = partitions

    async def send(self, owed: Sequence[Owed], hints: Sequence[Outgoing] = ()) -> list[Owed]:
        """All commands but those about other jobs, in one publish; answers those that are done: confirmed or kept.

        A step whose route has a broken queue is left out.

        Raises:
            Unavailable: unknown which were done; send all again as repeats.
        """
        routes = await self._routes.open({one.command.route for one in owed if isinstance(one.command, RunStep)})
        sendable = [one for one in owed if not isinstance(one.command, RunStep) or one.command.route in routes]
        timers = [_to_timer(one.job, one.command) for one in sendable if isinstance(one.command, SetTimer)]
        if timers:
            await self._timers.put(timers)
        now = self._clock.now()
        messages = [message for one in sendable for message in _to_outgoing(one, now, self._partitions)]
        if messages or hints:
            await self._publish([*messages, *hints])
        for one in sendable:
            if isinstance(one.command, RunStep):
                STEPS_DISPATCHED.labels(one.command.route).inc()
        return sendable

    async def _publish(self, messages: Sequence[Outgoing]) -> None:
        try:
            await self._broker.publish(messages)
        except Unroutable:
            self._routes.forget()
            raise


def _to_timer(job: Job, command: SetTimer) -> Timer:
    return Timer(command.id, job.id, command.kind, command.due_at, command.step, command.attempt)


def _to_outgoing(owed: Owed, now: datetime, partitions: int) -> list[Outgoing]:
    job = owed.job
    match owed.command:
        case RunStep() as run:
            return [Outgoing(STEP_EXCHANGE, run.route, to_run_step(job, run, now), is_repeat=owed.is_repeat)]
        case CancelStep() as cancel:
            # a worker that is gone has no queue; its loss ends the step
            key = f"worker.{cancel.worker_id}" if cancel.worker_id else "all"
            message = to_cancel_step(job, cancel, now)
            return [Outgoing(CONTROL_EXCHANGE, key, message, is_repeat=owed.is_repeat, is_lossy=True)]
        case WriteServerLine() as line:
            return [Outgoing(LOG_EXCHANGE, job.id, to_log_chunk(job.id, line), is_repeat=owed.is_repeat)]
        case NotifyParent() as news:
            return [ended_child(news, now, partitions=partitions, is_repeat=owed.is_repeat)]
        case _:
            return []
