"""The stores that pass one suite."""

from collections.abc import AsyncIterator

import pytest

from shared.storage.client import MongoStorage
from shared.storage.memory import MemoryStorage
from shared.storage.ports import Storage
from tests.support.storages import mongo_storage, wipe


@pytest.fixture(scope="session")
async def mongo(mongo_url: str) -> AsyncIterator[MongoStorage]:
    """The session's stores in MongoDB."""
    async with mongo_storage(mongo_url) as storage:
        yield storage


@pytest.fixture
async def empty_mongo(mongo: MongoStorage) -> MongoStorage:
    """The same without documents."""
    await wipe(mongo)
    return mongo


@pytest.fixture(params=["memory", "mongo"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Empty stores."""
    if request.param == "memory":
        return MemoryStorage()
    mongo: MongoStorage = request.getfixturevalue("empty_mongo")
    return mongo
