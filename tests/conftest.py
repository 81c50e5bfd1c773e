"""Fixtures that every kind of test may ask for."""

import secrets
from collections.abc import Iterator

import pytest
from pymongo import MongoClient

from tests.support.servers import Servers, open_servers


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The broker and the database of this session."""
    with open_servers() as found:
        yield found


@pytest.fixture(scope="session")
def rabbitmq_url(servers: Servers) -> str:
    """Where the session's broker is."""
    return servers.rabbitmq_url


@pytest.fixture(scope="session")
def mongo_url(servers: Servers) -> str:
    """Where the session's database server is."""
    return servers.mongo_url


@pytest.fixture(scope="session")
def database_name(mongo_url: str) -> Iterator[str]:
    """A database of this session's own, dropped at its end."""
    name = f"test_{secrets.token_hex(6)}"
    yield name
    with MongoClient[dict[str, object]](mongo_url, serverSelectionTimeoutMS=5000, timeoutMS=30_000) as client:
        client.drop_database(name)
