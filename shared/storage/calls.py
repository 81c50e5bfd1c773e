"""Calls to the database: each has a deadline, and the driver's failures become the project's own."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from bson.errors import BSONError
from motor.motor_asyncio import AsyncIOMotorCursor, AsyncIOMotorDatabase
from pydantic_core import PydanticSerializationError
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WTimeoutError,
)

from shared.errors import Broken, Rejected, StoreUnavailable

Database = AsyncIOMotorDatabase[dict[str, Any]]

DRIVER_DEADLINE = timedelta(seconds=8)  # for one command, connecting and waiting for the majority
CALL_DEADLINE = timedelta(seconds=10)  # for a store's method with its second try, also where the driver itself hangs
DUPLICATE_KEY = 11000
TOO_LARGE = frozenset({10334, 17419, 17420})  # BSONObjectTooLarge and its older forms on update
PASSING = frozenset({6, 7, 50, 64, 89, 91, 112, 134, 189, 202, 262, 9001, 10107, 11600, 11602, 13388, 13435, 13436})
"""Error codes of a server that is starting, stopping, overloaded or changing its primary.

Source: the retryable codes of the MongoDB driver specification, with MaxTimeMSExpired and WriteConcernTimeout.
"""

_P = ParamSpec("_P")
_S = TypeVar("_S")
_R = TypeVar("_R")


@contextmanager
def translated() -> Iterator[None]:
    """Raise the project's errors instead of the driver's.

    Raises:
        StoreUnavailable: no answer, or no majority; unknown whether a write was kept.
        Rejected: a document larger than the database takes.
        Broken: the database refused for another reason.
    """
    try:
        yield
    except TimeoutError as error:
        raise StoreUnavailable("the database did not answer in time") from error
    except (BSONError, UnicodeEncodeError, OverflowError, PydanticSerializationError) as error:
        raise Rejected(f"the database can't keep this: {error}") from error
    except PyMongoError as error:
        raise _translate(error) from error


def asks(
    method: Callable[Concatenate[_S, _P], Awaitable[_R]],
) -> Callable[Concatenate[_S, _P], Coroutine[Any, Any, _R]]:
    """Give a store's method its deadline, the project's errors, and a second try where the connection broke.

    Every method bears a repeat, so the driver's own retries of writes are off: for them the server has to write down
    each command of each session. Those of the development server made a write last 12 ms instead of 1.
    """

    @wraps(method)
    async def guarded(self: _S, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        with translated():
            async with asyncio.timeout(CALL_DEADLINE.total_seconds()):
                try:
                    return await method(self, *args, **kwargs)
                except AutoReconnect as error:
                    if error.timeout:  # the time is up: it is the caller's turn
                        raise
                return await method(self, *args, **kwargs)

    return guarded


async def take(cursor: AsyncIOMotorCursor[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """The first documents, at most `limit`; to the driver alone a limit of 0 would mean all."""
    return await cursor.limit(limit).to_list(None) if limit > 0 else []


def find_duplicates(error: BulkWriteError) -> set[int]:
    """Which documents of an unordered insert exist already.

    Raises:
        BulkWriteError: something else went wrong too.
    """
    details = error.details
    failed = details.get("writeErrors", [])
    if details.get("writeConcernErrors") or any(one["code"] != DUPLICATE_KEY for one in failed):
        raise error
    return {one["index"] for one in failed}


def _translate(error: PyMongoError) -> StoreUnavailable | Rejected | Broken:
    if isinstance(error, BulkWriteError):
        return _judge_bulk(error)
    if isinstance(error, InvalidOperation) and "after close" in str(error):
        return StoreUnavailable("the connection is closed")
    if error.timeout or isinstance(error, ConnectionFailure | ExecutionTimeout | WriteConcernError | WTimeoutError):
        return StoreUnavailable(f"the database did not confirm: {type(error).__name__}")
    if isinstance(error, DuplicateKeyError | InvalidOperation):
        return Broken(f"the database refused: {error}")
    if isinstance(error, OperationFailure):
        return _judge_code(error.code, str(error))
    return StoreUnavailable(f"the database did not answer: {type(error).__name__}")


def _judge_bulk(error: BulkWriteError) -> StoreUnavailable | Rejected | Broken:
    failed = [one for one in error.details.get("writeErrors", []) if one.get("code") != DUPLICATE_KEY]
    if not failed:
        return StoreUnavailable("the database did not confirm the writes")
    return _judge_code(failed[0].get("code"), str(failed[0].get("errmsg")))


def _judge_code(code: int | None, text: str) -> StoreUnavailable | Rejected | Broken:
    if code in PASSING:
        return StoreUnavailable(f"the database is not ready: {text}")
    if code in TOO_LARGE:
        return Rejected(f"too large for the database: {text}")
    return Broken(f"the database refused: {text}")
