"""Waiting for a condition instead of sleeping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar, overload

Found = TypeVar("Found")
PAUSE = timedelta(milliseconds=20)


@overload
async def eventually(
    check: Callable[[], Awaitable[Found | None]], *, within: timedelta = ..., told: str = ...
) -> Found: ...
@overload
async def eventually(check: Callable[[], Found | None], *, within: timedelta = ..., told: str = ...) -> Found: ...
async def eventually(check: Callable[[], Any], *, within: timedelta = timedelta(seconds=10), told: str = "") -> Any:
    """Ask `check` (plain or async) until it answers something true, and give that back.

    A failed `assert` inside `check` counts as "not yet"; any other exception ends the test.

    Raises:
        AssertionError: the deadline has passed; the text is `told`, or the last failed assert of `check`.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within.total_seconds()
    last: object = None
    while True:
        try:
            async with asyncio.timeout_at(deadline + PAUSE.total_seconds()):
                answer = check()
                last = found = await answer if inspect.isawaitable(answer) else answer
            if found:
                return found
        except AssertionError as error:
            last = error
        except TimeoutError:
            if loop.time() < deadline:
                raise
        if loop.time() >= deadline:
            raise AssertionError(f"not within {within.total_seconds():g} s: {told or last!r}")
        await asyncio.sleep(PAUSE.total_seconds())
