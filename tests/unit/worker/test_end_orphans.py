"""Which processes are ended in a dead worker's name."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from services.worker.end_orphans import MARK, end_orphans, find_orphans
from services.worker.guard import Guard


@pytest.fixture
def others() -> Iterator[subprocess.Popen[bytes]]:
    """A process of another worker whose id begins the same."""
    with subprocess.Popen(["sleep", "600"], env={MARK: "worker-12.token"}, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_only_processes_with_the_workers_mark_are_ended(others: subprocess.Popen[bytes]) -> None:
    with subprocess.Popen(["sleep", "600"], env={MARK: "worker-1.token"}, start_new_session=True) as own:
        assert end_orphans("worker-1") == 1
        assert own.wait() < 0
    assert others.poll() is None


def test_a_worker_that_left_nothing_costs_nothing(others: subprocess.Popen[bytes]) -> None:
    assert end_orphans("worker-unknown") == 0
    assert others.poll() is None


def test_a_process_that_has_ended_is_not_found() -> None:
    with subprocess.Popen(["true"], env={MARK: "worker-2.token"}, start_new_session=True) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert find_orphans("worker-2") == {}


def test_the_guard_of_a_worker_that_stops_well_goes_with_it() -> None:
    with Guard("worker-3") as guard:
        process = guard._process
        assert process is not None
        assert process.poll() is None
    assert process.returncode == 0
