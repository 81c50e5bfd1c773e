"""Starting before the broker or the database is there."""

import asyncio
from collections.abc import Awaitable

import pytest

from shared.errors import Broken, BrokerUnavailable
from shared.orchestration import reach as module
from shared.orchestration.reach import reach
from shared.runtime.lifecycle import Lifecycle


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BETWEEN", module.BETWEEN / 1000)


async def test_it_asks_until_the_part_is_there() -> None:
    asked: list[int] = []

    async def connect() -> str:
        asked.append(1)
        if len(asked) < 4:
            raise BrokerUnavailable
        return "connected"

    assert await reach("broker", connect, Lifecycle()) == "connected"
    assert len(asked) == 4


async def test_what_does_not_fit_stops_the_start() -> None:
    async def connect() -> str:
        raise Broken("the queue differs")

    with pytest.raises(Broken, match="the queue differs"):
        await reach("broker", connect, Lifecycle())


async def test_the_stop_signal_ends_the_wait_at_once_and_cleanly() -> None:
    lifecycle = Lifecycle()
    is_given_up = asyncio.Event()

    async def connect() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            is_given_up.set()
        return "never"

    waiting = asyncio.ensure_future(_code_of(reach("broker", connect, lifecycle)))
    await asyncio.sleep(0)
    lifecycle.stopping.set()
    assert await waiting == 0
    assert is_given_up.is_set()


async def _code_of(reaching: Awaitable[str]) -> object:
    try:
        await reaching
    except SystemExit as ended:
        return ended.code
    return "reached"
