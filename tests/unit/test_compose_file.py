"""The shape of docker-compose.yml, read without Docker."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("api", "scheduler", "dispatcher", "worker")
DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text()


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    composed: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]
    return composed


def test_there_are_four_services_a_broker_and_a_database(services: dict[str, Any]) -> None:
    assert set(services) == {*SERVICES, "rabbitmq", "mongo"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_until_broker_and_database_are_well(services: dict[str, Any], name: str) -> None:
    well = {"condition": "service_healthy"}
    assert services[name]["depends_on"] == {"rabbitmq": well, "mongo": well}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_its_target_and_few_rights(services: dict[str, Any], name: str) -> None:
    assert services[name]["build"]["target"] == name
    assert f"FROM service AS {name}\n" in DOCKERFILE
    assert services[name]["cap_drop"] == ["ALL"]
    assert services[name]["read_only"] is True


@pytest.mark.parametrize("name", ["rabbitmq", "mongo"])
def test_a_server_has_a_health_check_a_pinned_image_and_a_volume(services: dict[str, Any], name: str) -> None:
    assert services[name]["healthcheck"]["test"]
    assert re.search(r":\d", services[name]["image"])
    assert any(str(volume).startswith(f"{name}:") for volume in services[name]["volumes"])


@pytest.mark.parametrize("name", ["scheduler", "dispatcher", "worker"])
def test_there_can_be_any_number_of_it(services: dict[str, Any], name: str) -> None:
    assert {"container_name", "ports", "hostname"} & set(services[name]) == set()


def test_what_is_published_is_published_on_this_machine_alone(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_workspace_can_only_be_read(services: dict[str, Any]) -> None:
    mounted = [volume for volume in services["scheduler"]["volumes"] if "/workspaces/" in volume]
    assert len(mounted) == 1
    assert mounted[0].endswith(":ro")


def test_the_image_is_pinned_hashed_unprivileged_and_asked_for_its_health() -> None:
    assert re.search(r"PYTHON_IMAGE=python:3\.\d+-slim", DOCKERFILE)
    assert "pip install --require-hashes -r requirements/runtime.txt" in DOCKERFILE
    assert "HEALTHCHECK" in DOCKERFILE
    users = re.findall(r"^(?:FROM|USER) .*", DOCKERFILE, re.MULTILINE)
    assert users[-1] == "USER headrace"


def test_what_the_image_copies_is_let_through_and_exists() -> None:
    copied = {line.split()[1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line}
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{path}" for path in copied} <= set(ignored)
    assert all((ROOT / path).exists() for path in copied)


def test_the_example_workspace_is_what_is_mounted_unless_told_otherwise() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert "${HEADRACE_WORKSPACE:-./examples/workspace}:/workspaces/default:ro" in text
    assert "path: /workspaces/default" in (ROOT / "deploy/docker/headrace.yaml").read_text()


def test_compose_itself_accepts_the_file() -> None:
    programs = (["docker-compose"], ["docker", "compose"])
    for program in programs:
        if shutil.which(program[0]) is None:
            continue
        if subprocess.run([*program, "version"], capture_output=True, check=False).returncode:
            continue
        done = subprocess.run([*program, "config", "-q"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
