"""How containers are ended, and what is left of them: nothing."""

import asyncio

import pytest

from services.worker.halt import HaltReason
from services.worker.runners.docker_engine import open_engine
from services.worker.runners.docker_ports import EngineFailed
from shared.engine.states import Outcome
from shared.storage.records import WorkerRecord
from tests.docker.bench import SYSTEM, ContainerBench
from tests.docker.daemon import ask

POLITE = "trap 'echo bye; exit 3' TERM; echo up; while true; do sleep 0.1; done"
STUBBORN = "trap '' TERM; echo up; while true; do sleep 0.1; done"


async def test_a_cancelled_container_may_say_good_bye_and_is_removed(bench: ContainerBench) -> None:
    running = await bench.start(POLITE, shows="up")
    running.halt.ask(HaltReason.CANCELLED)
    result = await running.task
    assert (result.outcome, result.error) == (Outcome.CANCELLED, "Step was cancelled")
    assert running.written.texts("stdout") == ["up", "bye"]
    assert bench.containers() == []


async def test_a_stubborn_container_is_killed(bench: ContainerBench) -> None:
    running = await bench.start(STUBBORN, shows="up")
    running.halt.ask(HaltReason.CANCELLED)
    async with asyncio.timeout(20):
        assert (await running.task).outcome is Outcome.CANCELLED
    assert bench.containers() == []


async def test_a_container_that_takes_too_long_is_timed_out(bench: ContainerBench) -> None:
    result, written = await bench.run("echo up; sleep 60", timeout_seconds=2.0)
    assert (result.outcome, result.error) == (Outcome.TIMED_OUT, "Step timed out after 2s")
    assert written.texts("stdout") == ["up"]


async def test_a_step_whose_owner_is_stopped_leaves_no_container(bench: ContainerBench) -> None:
    running = await bench.start(POLITE, shows="up")
    running.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running.task
    assert bench.containers() == []


async def test_a_container_that_somebody_removes_fails_its_step(bench: ContainerBench) -> None:
    running = await bench.start(POLITE, shows="up")
    (name,) = bench.containers()
    ask(bench.url, "rm", "--force", name)
    result = await running.task
    assert result.outcome is Outcome.FAILED
    assert result.error


async def test_containers_are_marked_with_what_they_run(bench: ContainerBench) -> None:
    running = await bench.start(POLITE, shows="up")
    marks = '{{.Label "headrace.job"}} {{.Label "headrace.step"}} {{.Label "headrace.attempt"}}'
    assert ask(bench.url, "ps", f"--format={marks}").split() == ["j1", "step", "1"]
    running.halt.ask(HaltReason.CANCELLED)
    await running.task


async def test_only_containers_of_dead_workers_are_swept_away(bench: ContainerBench) -> None:
    alive = WorkerRecord("alive", "alive", ("docker",), (), is_exclusive=False, slots=1, version="1")
    await bench.storage.workers.beat(alive)
    for owner, system in (("dead", SYSTEM), ("alive", SYSTEM), ("dead", "other")):
        labels = [f"--label=headrace.worker={owner}", f"--label=headrace.system={system}"]
        ask(bench.url, "run", "--detach", "--network=none", *labels, "headrace-test:1", "/bin/sleep", "600")
    runner = bench.runner()
    running = await bench.start(POLITE, shows="up", runner=runner)
    assert await bench.sweep(runner).sweep() == 1
    assert len(bench.containers("alive")) == 1
    assert len(bench.containers("w1")) == 1
    assert len(ask(bench.url, "ps", "--quiet", "--filter=label=headrace.system=other").split()) == 1
    running.halt.ask(HaltReason.CANCELLED)
    await running.task
    ask(bench.url, "rm", "--force", *ask(bench.url, "ps", "--all", "--quiet").split())


async def test_own_containers_that_nobody_waits_for_are_swept_away(bench: ContainerBench) -> None:
    running = await bench.start(POLITE, shows="up")
    assert await bench.sweep().sweep() == 1
    assert (await running.task).outcome is Outcome.FAILED


async def test_an_engine_that_is_not_there_is_told() -> None:
    with pytest.raises(EngineFailed, match="Cannot connect to Docker Engine"):
        await open_engine("unix:///nowhere/engine.sock")
    with pytest.raises(EngineFailed, match="is no address"):
        await open_engine("nonsense")
