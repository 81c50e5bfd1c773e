"""The launcher's plan: settings, ports, programs, the supervisor's file."""

import json
import os
import socket
import stat
from collections.abc import Iterator
from configparser import RawConfigParser
from datetime import timedelta
from pathlib import Path

import pytest
from supervisor.datatypes import dict_of_key_value_pairs

from deploy.local.plan import Plan, read_plan, refuse_unknown
from deploy.local.ports import PortBook, is_free, tell_holder
from deploy.local.programs import Group, Probe, Program
from deploy.local.refused import StackRefused
from deploy.local.services import plan_services
from deploy.local.supervise import write_configuration


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return read_plan({"HEADRACE_HOME": str(tmp_path / "home")})


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_the_usual_stack_is_one_of_each_and_two_workers() -> None:
    plan = read_plan({})
    assert plan.counts == {"api": 1, "scheduler": 1, "dispatcher": 1, "worker": 2}
    assert plan.api_url == "http://127.0.0.1:8080"
    assert plan.home.name == ".headrace"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEADRACE_WORKERS", "two"),
        ("HEADRACE_WORKERS", "-1"),
        ("HEADRACE_WORKERS", "33"),
        ("HEADRACE_API_PORT", "0"),
        ("HEADRACE_API_PORT", "65536"),
        ("HEADRACE_API_PORT", "²"),
        ("HEADRACE_WORKER_DRAIN_SECONDS", "nan"),
        ("HEADRACE_WORKER_DRAIN_SECONDS", "soon"),
    ],
)
def test_a_number_that_does_not_fit_is_named(name: str, value: str) -> None:
    with pytest.raises(StackRefused, match=name):
        read_plan({name: value})


def test_a_home_that_the_configuration_can_not_express_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackRefused, match="HEADRACE_HOME"):
        read_plan({"HEADRACE_HOME": str(tmp_path / 'a"b')})


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:8080"), ("::", "http://[::1]:8080"), ("10.0.0.7", "http://10.0.0.7:8080")],
)
def test_the_address_is_one_that_this_machine_can_reach(host: str, url: str) -> None:
    assert read_plan({"HEADRACE_API_HOST": host}).api_url == url


def test_a_misspelt_variable_is_refused() -> None:
    with pytest.raises(StackRefused, match="HEADRACE_WORKRES"):
        refuse_unknown({"HEADRACE_WORKRES": "3"})


def test_a_variable_of_one_service_is_known_to_the_launcher() -> None:
    refuse_unknown({"HEADRACE_WORKER_SLOTS": "3", "HEADRACE_API_PORT": "8081", "HEADRACE_HOME": "x"})


def test_the_socket_moves_to_a_short_folder_when_the_home_is_long(tmp_path: Path) -> None:
    short = read_plan({"HEADRACE_HOME": "/srv/h"})
    long = read_plan({"HEADRACE_HOME": str(tmp_path / ("x" * 120))})
    assert short.socket == Path("/srv/h/run/supervisor.sock")
    assert len(os.fsencode(long.socket)) < 100
    assert long.digest in str(long.socket)


def test_ports_are_kept_from_one_start_to_the_next(tmp_path: Path) -> None:
    first = PortBook(tmp_path / "ports.json")
    ports = [first.claim(name) for name in ("rabbitmq", "mongo")]
    first.save()
    second = PortBook(tmp_path / "ports.json")
    assert [second.claim(name) for name in ("rabbitmq", "mongo")] == ports
    assert len(set(ports)) == 2


def test_a_kept_port_that_somebody_took_meanwhile_is_replaced(tmp_path: Path, listener: socket.socket) -> None:
    taken = listener.getsockname()[1]
    (tmp_path / "ports.json").write_text(json.dumps({"mongo": taken}))
    assert PortBook(tmp_path / "ports.json").claim("mongo") != taken


@pytest.mark.parametrize("text", ["", "[]", '{"mongo": "x"}', "{"])
def test_a_damaged_port_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_text(text)
    assert is_free(PortBook(tmp_path / "ports.json").claim("mongo"))


def test_the_holder_of_a_port_is_told(listener: socket.socket) -> None:
    assert f"process {os.getpid()}" in tell_holder(listener.getsockname()[1])


def test_every_process_has_a_port_of_its_own_and_the_first_api_the_known_one(tmp_path: Path) -> None:
    plan = read_plan({"HEADRACE_HOME": str(tmp_path), "HEADRACE_APIS": "2", "HEADRACE_API_PORT": "8099"})
    programs = plan_services(plan, PortBook(tmp_path / "ports.json"))
    names = [program.name for program in programs]
    assert names == ["api-1", "api-2", "scheduler", "dispatcher", "worker-1", "worker-2"]
    assert programs[0].environment == {"HEADRACE_API_PORT": "8099"}
    data = next(one.environment["HEADRACE_SCHEDULER_DATA_DIR"] for one in programs if one.service == "scheduler")
    told = {"HEADRACE_SCHEDULER_PROBE_PORT": str(programs[2].port), "HEADRACE_SCHEDULER_DATA_DIR": data}
    assert programs[2].environment == told
    assert len({program.port for program in programs}) == len(programs)


def test_a_worker_gets_its_own_cache_and_the_time_that_its_steps_may_take(tmp_path: Path) -> None:
    environ = {"HEADRACE_HOME": str(tmp_path), "HEADRACE_WORKER_DRAIN_SECONDS": "300"}
    plan = read_plan(environ)
    workers = [one for one in plan_services(plan, PortBook(tmp_path / "p")) if one.service == "worker"]
    assert {one.environment["HEADRACE_WORKER_CACHE_DIR"] for one in workers} == {
        str(tmp_path / "cache" / "worker-1"),
        str(tmp_path / "cache" / "worker-2"),
    }
    assert all(one.stop_within == timedelta(seconds=315) for one in workers)


def test_a_program_says_the_same_after_it_was_kept() -> None:
    program = Program("api", "api", Group.SERVICES, 8080, Probe.HTTP, "http://127.0.0.1:8080")
    assert Program.from_json(json.loads(json.dumps(program.to_json()))) == program


def test_the_configuration_keeps_odd_signs_as_they_are(tmp_path: Path) -> None:
    plan = read_plan({"HEADRACE_HOME": str(tmp_path / "a b, 100% é")})
    plan.logs.mkdir(parents=True)
    odd = {"HOME": str(plan.home), "ARGS": "+S 2:2 {127,0,0,1}"}
    program = Program("mongo", "database", Group.SERVERS, 1, Probe.MONGO, "", ("/bin/x", "a b", "50%"), environment=odd)
    write_configuration(plan, [program])
    written = RawConfigParser(inline_comment_prefixes=(";", "#"))
    written.read(plan.runtime / "supervisor.conf")
    section = written["program:mongo"]
    assert dict_of_key_value_pairs(section["environment"] % {}) == odd
    assert section["command"] % {} == "/bin/x 'a b' 50%"
    assert written["group:servers"]["programs"] == "mongo"


def test_only_this_user_may_read_the_configuration(plan: Plan) -> None:
    write_configuration(plan, [])
    assert stat.S_IMODE((plan.runtime / "supervisor.conf").stat().st_mode) == 0o600


def test_a_socket_folder_that_others_may_enter_is_refused(plan: Plan) -> None:
    plan.socket.parent.mkdir(parents=True)
    plan.socket.parent.chmod(0o777)
    with pytest.raises(StackRefused, match="private folder"):
        write_configuration(plan, [])
