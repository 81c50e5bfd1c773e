"""How functions are called in warm processes."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.worker.cache_folder import CacheFolder
from services.worker.functions.pool import FunctionPool
from services.worker.halt import Halt, HaltReason
from services.worker.process_group import ProcessGroups
from services.worker.redact import Redactor
from services.worker.runners.function import FunctionRunner
from services.worker.runners.packages import Packages
from services.worker.runners.runner import CannotRun, StepResult
from services.worker.strays import adopt_orphans
from services.worker.workspace_cache import WorkspaceCache
from shared.definition.archive import pack_folder
from shared.engine.states import Outcome
from shared.storage.memory import MemoryStorage
from shared.storage.records import RevisionRecord
from tests.support.attempts import KeptLines, attempt
from tests.support.eventually import eventually

CODE = """
import json, os, subprocess, sys, threading, time
from lib import helper
count = 0
def add(a, b=1): return a + b
def tell(): print("out"); print("err", file=sys.stderr); os.write(1, b"no end")
def many(n): print("\\n".join(map(str, range(n)))); return n
def who(): return os.getpid()
def again(): global count; count += 1; return count
def fail(text): helper.fail(text)
async def later(a): return a
def nothing(): pass
def strange(): return {1, 2}
def nan(): return float("nan")
def large(): return "x" * 2_000_000
def leave(): sys.exit(3)
def die(): os._exit(4)
def sleep(): print("asleep", flush=True); time.sleep(600)
def env(name): return os.environ.get(name)
def environ(): return dict(os.environ)
def set_env(): os.environ["LEFT"] = "1"
def thread(): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
def child(): return subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid
def daemon(): subprocess.run(["sh", "-c", "setsid sleep 600 & echo $! > pid"]); return int(open("pid").read())
def elsewhere(): os.chdir("/")
def here(): return sorted(os.listdir("."))
def read_input(): return json.load(open(os.environ["HEADRACE_INPUT"]))
"""


class Functions:
    """A runner over a workspace with two revisions."""

    def __init__(self, runner: FunctionRunner, pool: FunctionPool) -> None:
        self.runner = runner
        self.pool = pool
        self.sink = KeptLines()

    async def run(self, function: str, revision: str = "r1", halt: Halt | None = None, **changes: Any) -> StepResult:
        spec = {"call": f"code:{function}", **changes.pop("spec", {})}
        step = attempt("function", spec, revision=revision, **changes)
        return await self.runner.run(step, self.sink, halt or Halt())

    async def output(self, function: str, revision: str = "r1", **given: Any) -> Any:
        result = await self.run(function, revision, input=given)
        assert (result.outcome, result.error) == (Outcome.COMPLETED, None)
        return result.output


@asynccontextmanager
async def open_functions(tmp_path: Path, **changes: Any) -> AsyncIterator[Functions]:
    adopt_orphans()
    storage = MemoryStorage()
    files = tmp_path / "files"
    (files / "lib").mkdir(parents=True)
    (files / "code.py").write_text(CODE)
    (files / "lib" / "helper.py").write_text("def fail(text):\n    raise ValueError(text)\n")
    for revision in ("r1", "r2"):
        (files / "REVISION").write_text(revision)
        await storage.workspaces.put_revision(RevisionRecord("demo", revision, {}), pack_folder(files))
    processes = ProcessGroups("worker-1")
    options = {"keep": 2, "blanks": 1, "most_calls": 100, **changes}
    async with (
        WorkspaceCache(storage.workspaces, CacheFolder(tmp_path / "cache", "worker-1"), keep=2, spares=1) as workspaces,
        FunctionPool(workspaces, processes, **options) as pool,
    ):
        yield Functions(FunctionRunner(pool, processes, Packages(tmp_path / "cache")), pool)
    assert processes.leaders == frozenset()


@pytest.fixture
async def functions(tmp_path: Path) -> AsyncIterator[Functions]:
    async with open_functions(tmp_path) as found:
        yield found


async def test_what_a_function_returns_is_the_output(functions: Functions) -> None:
    assert await functions.output("add", a=2, b=3) == 5
    assert await functions.output("add", a="x", b="ü") == "xü"
    assert await functions.output("later", a=[1, {"b": None}]) == [1, {"b": None}]
    assert await functions.output("nothing") is None


async def test_what_it_prints_are_its_lines(functions: Functions) -> None:
    await functions.output("tell")
    await functions.output("add", a=1)
    assert sorted(functions.sink.lines) == [("stderr", "err"), ("stdout", "no end"), ("stdout", "out")]


async def test_a_hundred_thousand_lines_are_whole(functions: Functions) -> None:
    assert await functions.output("many", n=100_000) == 100_000
    assert functions.sink.texts == [str(number) for number in range(100_000)]


async def test_the_same_revision_finds_a_warm_process(functions: Functions) -> None:
    first = await functions.output("who")
    assert await functions.output("who") == first
    assert [await functions.output("again") for _ in range(2)] == [1, 2]


async def test_another_revision_has_an_interpreter_of_its_own(functions: Functions) -> None:
    first = await functions.output("who")
    assert await functions.output("who", "r2") != first
    assert await functions.output("who") == first


async def test_calls_at_the_same_time_have_a_process_each(functions: Functions) -> None:
    assert len(set(await asyncio.gather(*(functions.output("who") for _ in range(3))))) == 3


async def test_an_exception_fails_the_step_with_its_last_line(functions: Functions) -> None:
    result = await functions.run("fail", input={"text": "sorry"})
    assert (result.outcome, result.error) == (Outcome.FAILED, "ValueError: sorry")
    assert functions.sink.texts[0] == "Traceback (most recent call last):"
    assert functions.sink.texts[-1] == "ValueError: sorry"
    assert "host.py" not in "".join(functions.sink.texts)
    assert await functions.output("add", a=1) == 2


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("strange", "TypeError: Object of type set is not JSON serializable"),
        ("nan", "ValueError: Out of range float values are not JSON compliant"),
        ("large", "The step's output has 2000002 bytes; at most 1048576 are kept"),
        ("leave", "SystemExit: the function ended with sys.exit(3)"),
        ("die", "The function's process ended: Exit code: 4"),
        ("missing", "AttributeError: module 'code' has no attribute 'missing'"),
        ("add", "TypeError: add() missing 1 required positional argument: 'a'"),
    ],
)
async def test_what_went_wrong_is_told(functions: Functions, function: str, told: str) -> None:
    result = await functions.run(function)
    assert result.outcome is Outcome.FAILED
    assert str(result.error).startswith(told)
    assert await functions.output("add", a=1) == 2


async def test_a_name_that_is_no_function_is_refused(functions: Functions) -> None:
    with pytest.raises(CannotRun, match=r"is no package\.module:function"):
        await functions.run("add", spec={"call": "code.add"})


async def test_a_function_over_its_time_is_killed(functions: Functions) -> None:
    result = await functions.run("sleep", timeout_seconds=0.5)
    assert (result.outcome, result.error) == (Outcome.TIMED_OUT, "Step timed out after 0.5s")
    assert await functions.output("add", a=1) == 2


async def test_a_cancelled_function_is_killed(functions: Functions) -> None:
    halt = Halt()
    running = asyncio.ensure_future(functions.run("sleep", halt=halt))
    await eventually(lambda: functions.sink.texts == ["asleep"])
    halt.ask(HaltReason.CANCELLED)
    assert (await running).outcome is Outcome.CANCELLED


async def test_each_call_has_the_environment_of_its_step_alone(functions: Functions) -> None:
    first = await functions.run("env", input={"name": "MINE"}, spec={"env": {"MINE": "1"}}, job_id="j1")
    assert first.output == "1"
    await functions.output("set_env")
    assert await functions.output("env", name="MINE") is None
    assert await functions.output("env", name="LEFT") is None
    found = await functions.run("environ", job_id="j2", step="s2")
    assert (found.output["HEADRACE_JOB_ID"], found.output["STROEM_STEP_NAME"]) == ("j2", "s2")
    assert (await functions.run("read_input", input={})).output == {}


@pytest.mark.parametrize("leak", ["thread", "elsewhere", "child", "daemon"])
async def test_a_process_that_is_not_clean_is_replaced(functions: Functions, leak: str) -> None:
    first = await functions.output("who")
    left = (await functions.run(leak)).output
    assert await functions.output("who") != first
    if isinstance(left, int):
        await eventually(lambda: not Path(f"/proc/{left}").exists())


async def test_a_worn_process_is_replaced(tmp_path: Path) -> None:
    async with open_functions(tmp_path, most_calls=2) as functions:
        found = [await functions.output("who") for _ in range(4)]
        assert found[0] == found[1] != found[2] == found[3]


async def test_a_process_that_died_while_it_idled_is_replaced(functions: Functions) -> None:
    first = await functions.output("who")
    os.kill(first, 9)
    await eventually(lambda: b") Z" in Path(f"/proc/{first}/stat").read_bytes())
    assert await functions.output("who") != first


async def test_only_so_many_idle_processes_are_kept(tmp_path: Path) -> None:
    async with open_functions(tmp_path, keep=1) as functions:
        first = await functions.output("who")
        await functions.output("who", "r2")
        await eventually(lambda: not Path(f"/proc/{first}").exists())


async def test_secrets_are_masked_in_what_it_prints(functions: Functions) -> None:
    functions.sink = KeptLines(Redactor(["99997"]))
    await functions.output("many", n=100_000)
    assert functions.sink.texts[99_996:99_999] == ["99996", "***", "99998"]
