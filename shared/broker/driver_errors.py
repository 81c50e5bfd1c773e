"""The AMQP driver's errors, told as ours."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.errors import BrokerUnavailable


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """What the driver raises inside becomes BrokerUnavailable; `doing` says what was tried.

    The driver tells a closed connection to whoever waits as CancelledError too; a task that nobody cancelled turns it
    into BrokerUnavailable, so that a lost connection is never mistaken for the stop of the service.
    """
    try:
        yield
    except TimeoutError as error:
        raise BrokerUnavailable(f"{doing}: the broker did not answer in time") from error
    except CONNECTION_EXCEPTIONS as error:
        raise BrokerUnavailable(f"{doing}: {error!r}") from error
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BrokerUnavailable(f"{doing}: the connection was lost") from None


@contextmanager
def void_if_lost() -> Iterator[None]:
    """An acknowledgement that a lost channel can't carry is void: the broker delivers again."""
    with suppress(BrokerUnavailable), translated("acknowledge"):
        yield
