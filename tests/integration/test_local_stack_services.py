"""The launcher with every service: what comes back after kill -9, how it ends, what the demonstration leaves behind."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.local.plan import ROOT
from tests.support.eventually import eventually
from tests.support.stack import LocalStack
from tests.support.stack import run_launcher as run

BACK = timedelta(seconds=60)
NAMES = ["api-1", "api-2", "scheduler", "dispatcher", "worker"]


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    examples = {"default": ROOT / "examples" / "workspace"}
    with LocalStack(workspaces=examples, apis=2, schedulers=1, dispatchers=1, workers=1) as up:
        yield up


def test_status_lists_every_process_as_well(stack: LocalStack) -> None:
    told = {one["name"]: one["health"] for one in stack.processes()}
    assert told == dict.fromkeys(["rabbitmq", "mongo", *NAMES], "ok")


def test_the_first_api_has_the_known_port_and_the_second_another(stack: LocalStack) -> None:
    assert stack.api_urls[0] == stack.plan.api_url
    assert len(set(stack.api_urls)) == 2


@pytest.mark.parametrize("name", NAMES)
async def test_a_killed_service_comes_back_at_the_same_address(stack: LocalStack, name: str) -> None:
    before = stack.kill(name)
    await eventually(lambda: stack.pid(name) not in (0, before) and stack.is_well(name), within=BACK)


def test_a_taken_api_port_is_told_with_who_has_it(stack: LocalStack, tmp_path: Path) -> None:
    done = run({"HEADRACE_HOME": str(tmp_path), "HEADRACE_API_PORT": str(stack.plan.api_port)}, "up")
    assert done.returncode == 1
    assert f"port {stack.plan.api_port} is taken by process {stack.pid('api-1')} " in done.stderr


def test_an_unknown_setting_is_told(tmp_path: Path) -> None:
    done = run({"HEADRACE_HOME": str(tmp_path), "HEADRACE_WORKRES": "3"}, "up")
    assert (done.returncode, done.stderr) == (1, "headrace: unknown setting HEADRACE_WORKRES.\n")


def test_the_demonstration_uses_the_stack_that_is_up_and_leaves_it_up(stack: LocalStack) -> None:
    before = {one["name"]: one["pid"] for one in stack.processes()}
    done = run(stack._environ, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"Using the stack that is up: {stack.plan.api_url}")
    assert {one["name"]: one["pid"] for one in stack.processes()} == before


def test_down_ends_every_process_cleanly_and_services_before_servers() -> None:
    with LocalStack(workers=1) as stack:
        log = stack.plan.logs / "supervisord.log"
        run(stack._environ, "down")
        stopped = re.findall(r"stopped: (\S+) \((.*)\)", log.read_text())
    assert {how for _, how in stopped} == {"exit status 0"}
    assert {name for name, _ in stopped[-2:]} == {"rabbitmq", "mongo"}
    assert len(stopped) == 6
