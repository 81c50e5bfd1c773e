"""The brokers that pass one suite."""

from collections.abc import AsyncIterator

import pytest

from tests.support.brokers import MemorySide, Side, rabbit_side


@pytest.fixture(params=["memory", "rabbit"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    """The broker under test."""
    if request.param == "memory":
        yield MemorySide()
        return
    async with rabbit_side(request.getfixturevalue("rabbitmq_url")) as rabbit:
        yield rabbit
