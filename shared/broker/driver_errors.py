"""The AMQP driver's errors, told as ours."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.errors import BrokerUnavailable


class translated:  # noqa: N801 - reads as what it does in a `with` line
    """What the driver raises inside becomes BrokerUnavailable; `doing` says what was tried.

    The driver tells a closed connection in odd ways too: as a bare Exception, and as CancelledError. A task that nobody
    cancelled turns the latter into BrokerUnavailable, so that a lost connection is never mistaken for the stop of the
    service.
    """

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            return
        if issubclass(kind, TimeoutError):
            raise BrokerUnavailable(f"{self._doing}: the broker did not answer in time") from error
        if kind is Exception or issubclass(kind, CONNECTION_EXCEPTIONS):
            raise BrokerUnavailable(f"{self._doing}: {error!r}") from error
        if issubclass(kind, asyncio.CancelledError) and not _is_cancelled():
            raise BrokerUnavailable(f"{self._doing}: the connection was lost") from None


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


@contextmanager
def void_if_lost() -> Iterator[None]:
    """An acknowledgement that a lost channel can't carry is void: the broker delivers again."""
    with suppress(BrokerUnavailable), translated("acknowledge"):
        yield
