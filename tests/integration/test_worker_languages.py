"""Scripts in other languages and with packages, with the tools of this machine."""

import shutil
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.engine.states import Outcome
from tests.support.running_worker import WorkerBench, open_bench

GREETS = """import {readFileSync} from "node:fs";
console.log("OUTPUT:", readFileSync(process.env.HEADRACE_INPUT, "utf8"));
"""


@pytest.fixture
async def bench(rabbitmq_url: str, mongo_url: str, database_name: str, tmp_path: Path) -> AsyncIterator[WorkerBench]:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "calls.py").write_text("import greeting\ndef greet():\n    return greeting.WORD\n")
    async with open_bench(rabbitmq_url, mongo_url, database_name, tmp_path) as found, found.worker():
        yield found


async def test_javascript_runs_or_names_what_is_missing(bench: WorkerBench) -> None:
    end = await bench.run(GREETS, spec={"language": "javascript"}, input={"who": "Ada"})
    if shutil.which("bun") or shutil.which("node"):
        assert (end.outcome, end.output, end.error) == (Outcome.COMPLETED, {"who": "Ada"}, None)
    else:
        assert end.error == "language 'javascript' needs bun or node, which is not installed on this worker"


async def test_typescript_runs_or_names_what_is_missing(bench: WorkerBench) -> None:
    end = await bench.run('const n: number = 3; console.log("OUTPUT:", n)', spec={"language": "typescript"})
    assert (end.outcome, end.output) == (Outcome.COMPLETED, 3) or "needs bun" in str(end.error)


async def test_go_runs_or_names_what_is_missing(bench: WorkerBench) -> None:
    script = 'package main\nimport "fmt"\nfunc main() { fmt.Println("OUTPUT: 3") }\n'
    end = await bench.run(script, spec={"language": "go"})
    assert (end.outcome, end.output) == (Outcome.COMPLETED, 3) or "needs go, which" in str(end.error)


async def test_python_packages_are_there_and_are_installed_once(bench: WorkerBench, tmp_path: Path) -> None:
    wheel = tmp_path / "greeting-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("greeting.py", "WORD = 'good morning'\n")
        packed.writestr("greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        packed.writestr("greeting-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        packed.writestr("greeting-1.0.dist-info/RECORD", "")
    spec = {"language": "python", "dependencies": [str(wheel)]}
    for _ in range(2):
        end = await bench.run("import greeting, json; print('OUTPUT:', json.dumps(greeting.WORD))", spec=spec)
        assert (end.error, end.output) == (None, "good morning")
        wheel.unlink(missing_ok=True)  # the second step finds it installed
    called = bench.step(action_type="function", spec={"call": "calls:greet", "dependencies": spec["dependencies"]})
    end = await bench.end_of(await bench.send(called))
    assert (end.error, end.output) == (None, "good morning")


async def test_packages_that_can_not_be_had_fail_the_step_with_the_installers_words(bench: WorkerBench) -> None:
    end = await bench.run("", spec={"language": "python", "dependencies": ["/no/such/file.whl"]})
    assert end.outcome is Outcome.FAILED
    assert end.error is not None
    assert end.error.startswith("The dependencies could not be installed: Exit code: ")
    assert "/no/such/file.whl" in end.error
