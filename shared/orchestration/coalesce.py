"""Calls that arrive while one is under way are carried out together by the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Work = Callable[[list[Item]], Awaitable[Sequence[Answer]]]


class _Request(Generic[Item, Answer]):
    """One caller who waits; `turn` ends with answers, or with None: it is your turn to work for everybody."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = list(items)
        self.turn: asyncio.Future[Sequence[Answer] | None] = asyncio.get_running_loop().create_future()


class Coalescer(Generic[Item, Answer]):
    """Turns concurrent calls into few round trips: whoever finds nobody at work works off all that wait.

    There is no task behind it: callers take turns, so that it ends with them. `work` gets at most `limit` items (or one
    caller's, if those are more) and answers one for each; if it raises, every caller of that round gets the error.
    """

    def __init__(self, work: Work[Item, Answer], *, limit: int) -> None:
        self._work = work
        self._limit = limit
        self._waiting: list[_Request[Item, Answer]] = []
        self._is_working = False

    async def ask(self, items: Sequence[Item]) -> Sequence[Answer]:
        """The answers for these items, in order."""
        request: _Request[Item, Answer] = _Request(items)
        self._waiting.append(request)
        while True:
            if not self._is_working:
                await self._work_off()
            try:
                answers = await request.turn
            except asyncio.CancelledError:
                self._leave(request)
                raise
            if answers is not None:
                return answers
            request.turn = asyncio.get_running_loop().create_future()
            self._waiting.insert(0, request)
            self._is_working = False

    async def _work_off(self) -> None:
        self._is_working = True
        batch = self._next_batch()
        try:
            answers = await self._work([item for request in batch for item in request.items])
        except asyncio.CancelledError:
            # the first one is the caller who gives up; the others repeat the work
            self._waiting[:0] = [request for request in batch[1:] if not request.turn.done()]
            self._pass_on()
            raise
        except BaseException as error:  # noqa: BLE001 - handed to each caller as it is
            for request in batch:
                _fail(request.turn, error)
        else:
            _answer(batch, answers)
        self._pass_on()

    def _next_batch(self) -> list[_Request[Item, Answer]]:
        count, size = 1, len(self._waiting[0].items)
        while count < len(self._waiting) and size + len(self._waiting[count].items) <= self._limit:
            size += len(self._waiting[count].items)
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _pass_on(self) -> None:
        """Give the work to the next who waits; until it begins, `_is_working` stays so that nobody overtakes."""
        while self._waiting:
            turn = self._waiting.pop(0).turn
            if not turn.done():  # its caller has not given up meanwhile
                turn.set_result(None)
                return
        self._is_working = False

    def _leave(self, request: _Request[Item, Answer]) -> None:
        if request in self._waiting:
            self._waiting.remove(request)
        elif _is_chosen(request.turn):
            self._pass_on()


def _is_chosen(turn: "asyncio.Future[Sequence[Answer] | None]") -> bool:
    return turn.done() and not turn.cancelled() and turn.exception() is None and turn.result() is None


def _fail(turn: "asyncio.Future[Sequence[Answer] | None]", error: BaseException) -> None:
    if not turn.done():
        turn.set_exception(error)


def _answer(batch: list[_Request[Item, Answer]], answers: Sequence[Answer]) -> None:
    start = 0
    for request in batch:
        end = start + len(request.items)
        if not request.turn.done():
            request.turn.set_result(answers[start:end])
        start = end
