"""What a step finds of its state, and what is kept of what it leaves."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.worker.halt import Halt, HaltReason
from services.worker.redact import Redactor
from services.worker.runners.runner import StepResult
from services.worker.state import AttemptState, States
from shared.engine.states import Outcome
from shared.errors import StoreUnavailable
from shared.messages.wire import RunStepMessage
from shared.runtime.clock import SystemClock
from shared.storage.memory_snapshots import MemorySnapshots
from shared.storage.records import SnapshotRecord, StateScope
from tests.support.storages import NOON

TASK, SHARED = StateScope("demo", "count"), StateScope("demo")
DONE = StepResult(Outcome.COMPLETED, output={"n": 1}, exit_code=0)
STEP = RunStepMessage(
    id="job/one/1/run",
    occurred_at=NOON,
    job_id="job",
    workspace="demo",
    task="count",
    revision="r1",
    step="one",
    attempt=1,
    route="script",
    action_name="work",
    action_type="script",
    runner="local",
    spec={},
    input={},
)


class HurriedClock(SystemClock):
    """Waits for nothing; each wait makes it later by what was waited for."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> Any:
        return super().now() + self._ahead

    async def sleep(self, duration: timedelta) -> None:
        self._ahead += duration
        await asyncio.sleep(0)


class ForgetfulSnapshots(MemorySnapshots):
    """Keeps what it is given and loses some of its answers."""

    def __init__(self, lost: int) -> None:
        super().__init__()
        self.lost = lost

    async def put(self, snapshot: SnapshotRecord, archive: bytes, *, keep: int) -> bool:
        answer = await super().put(snapshot, archive, keep=keep)
        if self.lost:
            self.lost -= 1
            raise StoreUnavailable
        return answer


class AbsentSnapshots(MemorySnapshots):
    """Can be read, and takes nothing."""

    async def put(self, snapshot: SnapshotRecord, archive: bytes, *, keep: int) -> bool:  # noqa: ARG002 - the port's
        raise StoreUnavailable


@pytest.fixture
def store() -> MemorySnapshots:
    return MemorySnapshots()


@pytest.fixture
def states(store: MemorySnapshots) -> States:
    return States(store, HurriedClock())


Run = Callable[[Path, Path], object]


def no_files(found: Path, left: Path) -> None:
    """A step that writes no files."""


async def attempt(
    states: States, folder: Path, stdout: bytes = b"", body: Run = no_files, result: StepResult = DONE
) -> StepResult:
    """One attempt from its opening to its keeping; `folder` is new."""
    folder.mkdir()
    state = await states.open(STEP, folder)
    body(Path(state.environment["STATE_DIR"]), Path(state.environment["STATE_OUT_DIR"]))
    return await finish(states, state, stdout, result)


async def finish(states: States, state: AttemptState, stdout: bytes, result: StepResult = DONE) -> StepResult:
    state.see(stdout)
    return await states.keep(state, STEP, result, Redactor(["hunter22"]), Halt())


async def keys(store: MemorySnapshots, scope: StateScope = TASK) -> Any:
    found = await store.latest(scope)
    return found.state if found else None


async def test_lines_are_merged_in_order_also_the_last_without_an_end(
    states: States, store: MemorySnapshots, tmp_path: Path
) -> None:
    told = b'STATE: {"a": 1, "b": 1}\nnoise STATE: {"a": 9}\nSTATE: 7\nSTATE: {bad\n'
    told += b'GLOBAL_STATE:{"g": 1}\nSTATE:{"b":{"c":2}}'
    assert await attempt(states, tmp_path / "1", told) == DONE
    assert await keys(store) == {"a": 1, "b": {"c": 2}}
    assert await keys(store, SHARED) == {"g": 1}


async def test_lines_are_found_however_the_stream_is_cut(
    states: States, store: MemorySnapshots, tmp_path: Path
) -> None:
    state = await states.open(STEP, tmp_path)
    for byte in b'x\nSTATE: {"a": 1}\nGLOBAL_STATE: {"b": 2}\nSTATE: {"c": 3}':
        state.see(bytes([byte]))
    await finish(states, state, b"")
    assert (await keys(store), await keys(store, SHARED)) == ({"a": 1, "c": 3}, {"b": 2})


async def test_a_step_that_writes_nothing_leaves_no_snapshot(
    states: States, store: MemorySnapshots, tmp_path: Path
) -> None:
    assert await attempt(states, tmp_path / "1", b"OUTPUT: 1\n") == DONE
    assert await store.list_snapshots(TASK) == []


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.TIMED_OUT])
async def test_a_step_that_was_ended_leaves_no_snapshot(
    states: States, store: MemorySnapshots, tmp_path: Path, outcome: Outcome
) -> None:
    await attempt(states, tmp_path / "1", b'STATE: {"a": 1}', result=StepResult(outcome, error="ended"))
    assert await store.list_snapshots(TASK) == []


async def test_a_failed_step_keeps_its_state(states: States, store: MemorySnapshots, tmp_path: Path) -> None:
    failed = StepResult(Outcome.FAILED, error="Exit code: 3", exit_code=3)
    assert await attempt(states, tmp_path / "1", b'STATE: {"a": 1}', result=failed) == failed
    assert await keys(store) == {"a": 1}


async def test_keys_and_files_are_carried_over_unless_rewritten_or_removed(
    states: States, store: MemorySnapshots, tmp_path: Path
) -> None:
    def first(found: Path, left: Path) -> None:
        assert list(found.iterdir()) == []
        (left / "folder").mkdir()
        for name in ("kept", "rewritten", "removed", "folder/one", "folder/two"):
            (left / name).write_text(f"first {name}")

    def second(found: Path, left: Path) -> None:
        assert (found / "folder/one").read_text() == "first folder/one"
        assert (found / "folder/one").stat().st_mode & 0o777 == 0o444
        (left / "rewritten").write_text("second")
        (left / ".removed").write_text("removed\nfolder/\n")

    def third(found: Path, _: Path) -> None:
        names = {str(path.relative_to(found)) for path in found.rglob("*")}
        assert names == {"kept", "rewritten", "state.json"}
        assert (found / "rewritten").read_text() == "second"
        assert (found / "kept").read_text() == "first kept"

    await attempt(states, tmp_path / "1", b'STATE: {"a": 1, "b": 1, "c": 1}', first)
    await attempt(states, tmp_path / "2", b'STATE: {"b": 2, "c": null}', second)
    await attempt(states, tmp_path / "3", body=third)
    assert await keys(store) == {"a": 1, "b": 2}


async def test_a_state_file_of_ones_own_stands_for_all_keys(
    states: States, store: MemorySnapshots, tmp_path: Path
) -> None:
    def write(_: Path, left: Path) -> None:
        (left / "state.json").write_text('{"new": 1, "both": 1}')

    await attempt(states, tmp_path / "1", b'STATE: {"old": 1}')
    await attempt(states, tmp_path / "2", b'STATE: {"both": 2}', write)
    assert await keys(store) == {"new": 1, "both": 2}


@pytest.mark.parametrize("text", ["[1]", "{", ""])
async def test_a_state_file_that_is_no_object_fails_the_step(
    states: States, store: MemorySnapshots, tmp_path: Path, text: str
) -> None:
    result = await attempt(states, tmp_path / "1", body=lambda _, left: (left / "state.json").write_text(text))
    assert result.outcome is Outcome.FAILED
    assert "The step's state could not be kept: state.json is not" in (result.error or "")
    assert await store.list_snapshots(TASK) == []


async def test_links_are_not_followed(states: States, store: MemorySnapshots, tmp_path: Path) -> None:
    def write(_: Path, left: Path) -> None:
        (left / "password").symlink_to("/etc/passwd")
        (left / "real").write_text("x")

    await attempt(states, tmp_path / "1", body=write)
    found = await store.latest(TASK)
    assert found is not None
    assert dict(found.files) == {"real": 1}


async def test_steps_that_write_at_the_same_time_lose_nothing(
    states: States, store: MemorySnapshots, tmp_path: Path
) -> None:
    opened = [await states.open(STEP, tmp_path / str(number)) for number in range(4)]
    told = [f'STATE: {{"key{number}": {number}}}'.encode() for number in range(4)]
    await asyncio.gather(*(finish(states, state, line) for state, line in zip(opened, told, strict=True)))
    assert await keys(store) == {f"key{number}": number for number in range(4)}


async def test_many_writers_within_one_job_prune_nothing_that_is_newer(
    states: States, store: MemorySnapshots, tmp_path: Path
) -> None:
    for number in range(8):
        await attempt(states, tmp_path / str(number), body=lambda _, left: (left / "same").write_text("same bytes"))
    kept = await store.list_snapshots(TASK)
    assert [one.number for one in kept] == [8, 7, 6, 5, 4]
    assert None not in [await store.load_archive(one) for one in kept]


async def test_secrets_do_not_get_into_the_keys(states: States, store: MemorySnapshots, tmp_path: Path) -> None:
    await attempt(states, tmp_path / "1", b'STATE: {"password": "it is hunter22"}')
    assert await keys(store) == {"password": "it is ***"}


async def test_a_lost_answer_makes_no_second_snapshot(tmp_path: Path) -> None:
    store = ForgetfulSnapshots(lost=3)
    assert await attempt(States(store, HurriedClock()), tmp_path / "1", b'STATE: {"a": 1}') == DONE
    assert [one.number for one in await store.list_snapshots(TASK)] == [1]


async def test_a_store_that_stays_away_fails_the_step(tmp_path: Path) -> None:
    result = await attempt(States(AbsentSnapshots(), HurriedClock()), tmp_path / "1", b'STATE: {"a": 1}')
    assert result.outcome is Outcome.FAILED
    assert "could not be kept: The database did not answer" in (result.error or "")


async def test_a_step_that_is_to_end_does_not_wait_for_the_store(tmp_path: Path) -> None:
    states, halt = States(AbsentSnapshots(), HurriedClock()), Halt()
    state = await states.open(STEP, tmp_path)
    state.see(b'STATE: {"a": 1}')
    halt.ask(HaltReason.CANCELLED)
    result = await states.keep(state, STEP, DONE, Redactor(), halt)
    assert result.outcome is Outcome.FAILED
