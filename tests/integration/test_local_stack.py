"""The launcher with its real servers: what survives, what comes back, what it says when it can't."""

import os
import signal
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from pymongo import MongoClient

from deploy.local.leftovers import is_alive, read_supervisor_pid
from tests.support.eventually import eventually
from tests.support.stack import LocalStack
from tests.support.stack import run_launcher as run

NOBODY = dict.fromkeys(("HEADRACE_APIS", "HEADRACE_SCHEDULERS", "HEADRACE_DISPATCHERS", "HEADRACE_WORKERS"), "0")
BACK = timedelta(seconds=30)


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack(environ=NOBODY) as up:
        yield up


def test_status_lists_both_servers_as_well(stack: LocalStack) -> None:
    told = {one["name"]: one["health"] for one in stack.processes()}
    assert told == {"rabbitmq": "ok", "mongo": "ok"}


def test_a_second_up_says_that_it_is_already_up_and_changes_no_process(stack: LocalStack) -> None:
    before = stack.pids("broker") + stack.pids("database")
    said = run(stack._environ, "up").stdout.splitlines()
    assert said[0].startswith("Headrace is already up")
    assert said[-1] == f"Headrace is up: {stack.plan.api_url}"
    assert stack.pids("broker") + stack.pids("database") == before


@pytest.mark.parametrize("name", ["rabbitmq", "mongo"])
async def test_a_killed_server_comes_back_at_the_same_address(stack: LocalStack, name: str) -> None:
    before = stack.kill(name)
    await eventually(lambda: stack.pid(name) not in (0, before) and stack.is_well(name), within=BACK)


def test_data_outlive_down_and_up_at_the_same_address(stack: LocalStack) -> None:
    address = stack.mongo_url
    with MongoClient[dict[str, object]](address) as client:
        client.kept.things.insert_one({"_id": "one"})
    run(stack._environ, "down")
    stack.start()
    assert stack.mongo_url == address
    with MongoClient[dict[str, object]](address) as client:
        assert client.kept.things.find_one({"_id": "one"}) is not None


def test_every_listener_of_the_stack_is_on_loopback(stack: LocalStack) -> None:
    pids = stack.pids("broker") + stack.pids("database")
    listening = [one for one in psutil.net_connections("tcp") if one.pid in pids and one.status == psutil.CONN_LISTEN]
    assert {next(iter(one.laddr)) for one in listening} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    assert len(listening) >= 3


async def test_a_killed_supervisor_leaves_nothing_that_up_can_not_clear(stack: LocalStack) -> None:
    supervisor = read_supervisor_pid(stack.plan)
    orphans = stack.pids("broker") + stack.pids("database")
    os.kill(supervisor, signal.SIGKILL)
    await eventually(lambda: not is_alive(supervisor))
    assert "left behind" in run(stack._environ, "up").stdout
    assert not any(is_alive(pid) for pid in orphans)
    assert stack.is_well("rabbitmq")


def test_down_is_harmless_when_nothing_is_up(tmp_path: Path) -> None:
    done = run({"HEADRACE_HOME": str(tmp_path)}, "down")
    assert (done.returncode, done.stdout) == (0, "Headrace was not up.\n")


def test_two_homes_stand_side_by_side_even_with_a_very_long_path(stack: LocalStack, tmp_path: Path) -> None:
    home = tmp_path / ("long " * 30) / "home"
    environ = stack._environ | {"HEADRACE_HOME": str(home)}
    environ |= {"HEADRACE_RABBITMQ_URL": stack.rabbitmq_url}
    try:
        done = run(environ, "up")
        assert (done.returncode, done.stderr) == (0, "")
        assert '"ok"' in run(environ, "status").stdout
    finally:
        assert run(environ, "down").stdout == "Headrace is down.\n"
    assert not (home / "run").exists()
    assert stack.is_well("mongo")


def test_a_broker_that_dies_at_its_start_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "rabbitmq").mkdir()
    (tmp_path / "rabbitmq/.erlang.cookie").write_text("a cookie that everybody may read")
    (tmp_path / "rabbitmq/.erlang.cookie").chmod(0o644)
    environ = {"HEADRACE_HOME": str(tmp_path), "HEADRACE_API_PORT": "1", **NOBODY}
    done = run(environ, "up")
    assert done.returncode == 1
    assert done.stderr.startswith("headrace: rabbitmq ended at its start; the end of ")
    assert "cookie" in done.stderr
    assert run(environ, "status").stdout == "[]\n"


def test_given_servers_that_do_not_answer_are_named(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"amqp://someone:secret@127.0.0.1:{closed.getsockname()[1]}/"
        done = run({"HEADRACE_HOME": str(tmp_path), "HEADRACE_RABBITMQ_URL": url, **NOBODY}, "up")
    assert done.returncode == 1
    assert "HEADRACE_RABBITMQ_URL: the broker at 127.0.0.1:" in done.stderr
    assert "secret" not in done.stderr
