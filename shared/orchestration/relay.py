"""Holds what saved jobs owe until it is carried out."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

import structlog

from shared.broker.ports import Outgoing
from shared.engine.commands import CancelStep, Command
from shared.engine.job import Job
from shared.errors import HeadraceError, Unavailable
from shared.orchestration.carried_out import CarriedOut
from shared.orchestration.carry_out import ABOUT_JOBS, Act, CarryOut, Owed
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Lifecycle

log = structlog.get_logger()

LANES = 3  # rounds under way at once: the next batch need not wait for the confirms of the last
MOST_IN_HAND = 20_000  # what comes while so much waits (the broker is down) is left to the sweep
ROUND = 1_000  # messages in one publish
AT_ONCE = 20  # jobs started at the same time
LAST_CHANCE = timedelta(seconds=10)  # to send what is in hand after the stop signal


class Relay:
    """Commands on their way out.

    Nothing is lost with it: what it holds stands in the outbox of a saved job, and the sweep sends it if this process
    can't. Hints (announcements) are sent once, or not at all.
    """

    def __init__(self, carry_out: CarryOut, act: Act, done: CarriedOut, clock: Clock) -> None:
        self._carry_out = carry_out
        self._act = act
        self._done = done
        self._clock = clock
        self._owed: deque[Owed] = deque()
        self._hints: deque[Outgoing] = deque()
        self._sleepers: deque[asyncio.Future[None]] = deque()

    def hand(
        self, job: Job, commands: Sequence[Command], hints: Sequence[Outgoing] = (), *, is_repeat: bool = False
    ) -> None:
        """Take over the commands of a job that was just saved; returns at once."""
        if len(self._owed) >= MOST_IN_HAND:
            return
        self._owed.extend(Owed(job, command, is_repeat) for command in commands)
        self._hints.extend(hints)
        if self._has_work:
            self._wake()

    @property
    def _has_work(self) -> bool:
        return bool(self._owed or self._hints)

    def _wake(self) -> None:
        while self._sleepers:
            sleeper = self._sleepers.popleft()
            if not sleeper.done():
                sleeper.set_result(None)
                return

    async def run(self, lifecycle: Lifecycle) -> None:
        """Send until the stop signal, then what is still in hand."""
        async with asyncio.TaskGroup() as tasks:
            for lane in range(LANES):
                tasks.create_task(lifecycle.repeat(f"relay.{lane}", self._serve), name=f"relay.{lane}")
            await lifecycle.stopping.wait()
            for _ in range(LANES):
                self._wake()
        await self.drain()

    async def drain(self) -> None:
        """Send what is in hand, for as long as 10 s; what is left stands in outboxes."""
        try:
            async with asyncio.timeout(LAST_CHANCE.total_seconds()):
                while self._has_work:
                    await self.send_round()
        except (TimeoutError, HeadraceError) as error:
            log.warning("relay.left_to_sweep", commands=len(self._owed), error=repr(error))

    async def _serve(self) -> None:
        if not self._has_work:
            sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._sleepers.append(sleeper)
            await sleeper
        await self.send_round()

    async def send_round(self) -> None:
        """Carry out what is in hand now.

        Raises:
            Unavailable: broker or database is down; what is not done is in hand again, marked as a repeat.
        """
        owed = [self._owed.popleft() for _ in range(min(ROUND, len(self._owed)))]
        hints = [self._hints.popleft() for _ in range(min(ROUND, len(self._hints)))]
        about_jobs = [one for one in owed if isinstance(one.command, ABOUT_JOBS)]
        plain = [one for one in owed if not isinstance(one.command, ABOUT_JOBS)]
        try:
            if plain or hints:
                self._note(await self._carry_out.send(plain, hints))
                plain.clear()
            while about_jobs:
                await self._act_on(about_jobs[:AT_ONCE])
                del about_jobs[:AT_ONCE]
        except (Unavailable, asyncio.CancelledError):
            again = [Owed(one.job, one.command, is_repeat=True) for one in (*plain, *about_jobs)]
            self._owed.extendleft(reversed(again))
            raise

    async def _act_on(self, owed: Sequence[Owed]) -> None:
        """Concurrently: new jobs share an insert.

        Raises:
            Unavailable: unknown which are done; do all again.
        """
        answers = await asyncio.gather(*(self._act(one) for one in owed), return_exceptions=True)
        self._note([one for one, answer in zip(owed, answers, strict=True) if answer is True])
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    def _note(self, owed: Sequence[Owed]) -> None:
        """Remember what is done; but cancellations stand until the step ends, or the sweep has repeated them."""
        now = self._clock.now()
        for one in owed:
            if not isinstance(one.command, CancelStep):
                self._done.note(one.job.id, (one.command.id,), now)
