"""The real broker and database that tests talk to; the first of four sources that there is."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

RABBITMQ = "HEADRACE_TEST_RABBITMQ_URL"
MONGO = "HEADRACE_TEST_MONGO_URL"


@dataclass(frozen=True)
class Servers:
    """Where the servers of this test session are."""

    rabbitmq_url: str
    mongo_url: str


@contextmanager
def open_servers() -> Iterator[Servers]:
    """Find the servers or start them; those that were started end with the session.

    Order: the `HEADRACE_TEST_…_URL` variables, the local stack's launcher, containers. With none of them the test is
    skipped on a laptop, and fails where `CI` is set.
    """
    rabbitmq_url, mongo_url = os.environ.get(RABBITMQ, ""), os.environ.get(MONGO, "")
    if rabbitmq_url and mongo_url:
        yield Servers(rabbitmq_url, mongo_url)
    elif _has_programs():
        with _local(rabbitmq_url, mongo_url) as servers:
            yield servers
    elif _has_engine():
        with _containers(rabbitmq_url, mongo_url) as servers:
            yield servers
    else:
        _give_up()


def _has_programs() -> bool:
    from deploy.local.broker import find_server  # noqa: PLC0415 - only when nothing was given
    from deploy.local.database import find_secantusd  # noqa: PLC0415

    return find_server() is not None and find_secantusd() is not None


@contextmanager
def _local(rabbitmq_url: str, mongo_url: str) -> Iterator[Servers]:
    from tests.support.stack import LocalStack  # noqa: PLC0415 - only when nothing was given

    with LocalStack(
        apis=0, schedulers=0, dispatchers=0, workers=0, rabbitmq_url=rabbitmq_url, mongo_url=mongo_url
    ) as stack:
        yield Servers(stack.rabbitmq_url, stack.mongo_url)


def _has_engine() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        answer = subprocess.run([docker, "info"], capture_output=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return False
    return answer.returncode == 0


@contextmanager
def _containers(rabbitmq_url: str, mongo_url: str) -> Iterator[Servers]:
    from testcontainers.mongodb import MongoDbContainer  # noqa: PLC0415 - only where an engine answers
    from testcontainers.rabbitmq import RabbitMqContainer  # noqa: PLC0415

    with RabbitMqContainer("rabbitmq:3.13-management") as rabbitmq, MongoDbContainer("mongo:7") as mongo:
        address = f"{rabbitmq.get_container_host_ip()}:{rabbitmq.get_exposed_port(rabbitmq.port)}"
        yield Servers(rabbitmq_url or f"amqp://guest:guest@{address}/", mongo_url or mongo.get_connection_url())


def _give_up() -> None:
    told = f"no broker and database: set {RABBITMQ} and {MONGO}, or run `make setup`, or start Docker"
    if os.environ.get("CI"):
        pytest.fail(told)
    pytest.skip(told)
