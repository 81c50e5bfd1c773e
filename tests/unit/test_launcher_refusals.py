"""What the launcher says when it can't do what was asked, and what it makes of leftovers."""

import json
import os
import shutil
import socket
from collections import namedtuple
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.local import broker, database, lock
from deploy.local.__main__ import main
from deploy.local.health import find_trouble, require_given
from deploy.local.leftovers import find_leftovers, is_alive, read_supervisor_pid
from deploy.local.plan import Plan, read_plan
from deploy.local.ports import PortBook, pick_port
from deploy.local.programs import Group, Probe, Program
from deploy.local.refused import StackRefused
from deploy.local.stack import build, read_kept, require_possible
from deploy.local.supervise import connect
from deploy.local.tell import follow_logs, list_processes

NOBODY = dict.fromkeys(("HEADRACE_APIS", "HEADRACE_SCHEDULERS", "HEADRACE_DISPATCHERS", "HEADRACE_WORKERS"), "0")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return read_plan({"HEADRACE_HOME": str(tmp_path / "home")})


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def clean_environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    return monkeypatch


def test_a_full_disk_is_refused_beforehand(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil's own
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 100 * 1024 * 1024))
    with pytest.raises(StackRefused, match="100 MB left"):
        require_possible(read_plan(NOBODY | {"HEADRACE_HOME": str(plan.home)}), {})


def test_a_taken_api_port_names_its_holder(tmp_path: Path, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    plan = read_plan({"HEADRACE_HOME": str(tmp_path), "HEADRACE_API_PORT": str(port)})
    with pytest.raises(StackRefused, match=f"port {port} is taken by process {os.getpid()} .*HEADRACE_API_PORT"):
        require_possible(plan, {})


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    plan = read_plan({"HEADRACE_HOME": str(tmp_path), "HEADRACE_CONFIG": str(tmp_path / "none.yaml")})
    with pytest.raises(StackRefused, match=r"HEADRACE_CONFIG: there is no file .*none\.yaml"):
        require_possible(plan, {})


def test_without_rabbitmq_the_sentence_says_how_to_get_it(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "PLACES", ())
    with pytest.raises(StackRefused, match="apt-get install rabbitmq-server"):
        build(plan)


def test_without_a_database_program_the_sentence_says_how_to_get_it(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(StackRefused, match="make setup"):
        database.plan_database(plan, PortBook(tmp_path / "p"))


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "amqp:///", "amqp://h:port/"])
def test_a_broker_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(StackRefused, match="HEADRACE_RABBITMQ_URL"):
        require_given(url, "")


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(StackRefused, match="HEADRACE_MONGO_URL") as refused:
        require_given("", f"mongodb://someone:secret@127.0.0.1:{pick_port()}/?directConnection=true")
    assert "secret" not in str(refused.value)


def test_a_service_that_does_not_listen_is_not_well() -> None:
    port = pick_port()
    assert find_trouble(Program("api", "api", Group.SERVICES, port, Probe.HTTP, f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize("text", ["", "no number", "1", "999999999"])
def test_a_stale_pid_file_names_nobody(plan: Plan, text: str) -> None:
    plan.runtime.mkdir(parents=True)
    (plan.runtime / "supervisord.pid").write_text(text)
    assert read_supervisor_pid(plan) == 0


def test_a_home_that_is_down_has_no_processes_and_no_leftovers(plan: Plan) -> None:
    assert list_processes(plan) == []
    assert find_leftovers(plan) == []
    assert read_kept(plan) is None
    with connect(plan) as running:
        assert running is None


def test_this_process_is_alive_and_an_impossible_one_is_not() -> None:
    assert is_alive(os.getpid())
    assert not is_alive(999_999_999)


def test_a_second_command_of_a_home_waits_and_then_says_so(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE", timedelta(0))
    with lock.hold(plan.home), pytest.raises(StackRefused, match="another command"), lock.hold(plan.home):
        pass


def test_logs_that_do_not_exist_are_refused(plan: Plan) -> None:
    with pytest.raises(StackRefused, match="no log of api"):
        follow_logs(plan, ["api"], is_following=False)


@pytest.mark.usefixtures("clean_environ")
def test_status_of_a_home_that_is_down_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_refusal_is_one_sentence_on_stderr_and_exit_code_1(
    clean_environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clean_environ.setenv("HEADRACE_WORKERS", "many")
    assert main(["up"]) == 1
    assert capsys.readouterr().err == "headrace: HEADRACE_WORKERS is 'many'; it must be a number from 0 to 32.\n"


def test_a_home_that_can_not_be_made_is_a_sentence_too(
    clean_environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    clean_environ.setenv("HEADRACE_HOME", str(tmp_path / "file" / "home"))
    assert main(["up"]) == 1
    assert capsys.readouterr().err.startswith("headrace: Not a directory: ")
