"""Which tool runs a language, with tools that only write down how they were called."""

import asyncio
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.worker.process_group import Launch
from services.worker.runners import toolchain
from services.worker.runners.command_line import build_command
from services.worker.runners.execution import Deadline, Ending
from services.worker.runners.packages import FOLDER, InstallFailed, Packages, installer_environment
from services.worker.runners.runner import CannotRun
from services.worker.runners.toolchain import Toolchain

WRITES_ITSELF_DOWN = '#!/bin/sh\necho "$(basename "$0") $*" >> "{calls}"\n{more}'


class Machine:
    """A folder of tools, and a runner for the installers among them."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.calls, self.cache = folder / "bin", folder / "calls", folder / "cache"
        self.folder = folder / "attempt"
        for made in (self.bin, self.folder / "workspace"):
            made.mkdir(parents=True)
        for name in ("sh", "basename", "cat", "sleep", "mkdir"):
            (self.bin / name).symlink_to(str(shutil.which(name)))
        toolchain._versions.clear()

    def has(self, *names: str, more: str = "") -> "Machine":
        for name in names:
            (self.bin / name).write_text(WRITES_ITSELF_DOWN.format(calls=self.calls, more=more))
            (self.bin / name).chmod(0o755)
        return self

    async def command(self, seconds: float | None = None, **spec: Any) -> str:
        deadline = Deadline(seconds)
        packages = Packages(self.cache, own={"PATH": str(self.bin)})
        tools = Toolchain(packages, self._run, deadline, path=str(self.bin))
        full = {"script": "text", **spec}
        program = await tools.find(full, self.folder)
        words = build_command(full, self.folder / "workspace", path=str(self.bin), program=program)
        return " ".join(words).replace(f"{self.bin}/", "").replace(f"{self.folder / 'workspace'}/", "")

    async def _run(self, launch: Launch) -> Ending:
        def run() -> int:
            return subprocess.run(launch.argv, env=launch.env, cwd=launch.cwd, check=False).returncode

        return Ending(await asyncio.to_thread(run))

    @property
    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


async def test_javascript_runs_in_bun_else_in_node(machine: Machine) -> None:
    assert await machine.has("node").command(language="javascript") == "node .headrace_script.js"
    assert await machine.has("bun").command(language="javascript") == "bun run .headrace_script.js"


async def test_typescript_runs_in_bun_else_in_deno_else_in_a_new_node(machine: Machine) -> None:
    machine.has("node", more="echo v22.6.0")
    assert await machine.command(language="ts") == "node --experimental-strip-types .headrace_script.ts"
    machine.has("deno")
    assert await machine.command(language="typescript") == "deno run --allow-all --quiet .headrace_script.ts"
    assert await machine.has("bun").command(language="typescript") == "bun run .headrace_script.ts"


async def test_an_old_node_is_refused_for_typescript(machine: Machine) -> None:
    with pytest.raises(CannotRun, match=r"needs bun, deno or node 22\.6 or newer; this worker has only node 20\.1\.0"):
        await machine.has("node", more="echo v20.1.0").command(language="typescript")


async def test_go_runs_by_go_run(machine: Machine) -> None:
    assert await machine.has("go").command(language="go", args=["x"]) == "go run headrace_script.go x"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"language": "go"}, "language 'go' needs go, which is not installed on this worker"),
        ({"language": "javascript"}, "language 'javascript' needs bun or node, which is not installed"),
        ({"language": "typescript"}, "language 'typescript' needs bun or deno or node, which is not installed"),
        ({"language": "python"}, "language 'python' needs python3 or python, which is not installed"),
        ({"language": "python", "dependencies": ["x"]}, "`dependencies` of python needs python3 or python"),
        ({"language": "javascript", "dependencies": ["x"]}, "`dependencies` of JavaScript needs npm or bun"),
        ({"language": "shell", "dependencies": ["x"]}, "language 'shell' takes no `dependencies`"),
        ({"language": "python", "dependencies": ["--index=x"]}, "'--index=x' is no name of a dependency"),
        ({"language": "python", "dependencies": ["a\nb"]}, "is no name of a dependency"),
        ({"language": "python", "dependencies": ["x"] * 201}, "more than 200 dependencies"),
    ],
)
async def test_a_missing_tool_is_named(machine: Machine, spec: dict[str, Any], told: str) -> None:
    with pytest.raises(CannotRun, match=told):
        await machine.command(**spec)


async def test_python_packages_come_through_uv(machine: Machine) -> None:
    found = await machine.has("uv").command(language="python", dependencies=["requests>=2", "rich"])
    assert found == "uv run --quiet --no-project --with requests>=2 --with rich python .headrace_script.py"


async def test_python_packages_without_uv_are_installed_once_for_each_list(machine: Machine) -> None:
    (machine.bin / "chmod").symlink_to(str(shutil.which("chmod")))
    machine.has("python3", more='mkdir -p venv/bin; cat "$0" > venv/bin/python; chmod +x venv/bin/python')
    first = await machine.command(language="python", dependencies=["b", "a"])
    assert first == await machine.command(language="python", dependencies=["a", "b"])
    assert first.startswith(str(machine.cache / FOLDER))
    assert len(machine.called) == 2
    assert machine.called[1].endswith("--disable-pip-version-check -- b a")
    assert await machine.command(language="python", dependencies=["c"]) != first


async def test_a_failed_installation_is_begun_anew(machine: Machine) -> None:
    machine.has("npm", more="exit 3").has("node")
    for _ in range(2):
        with pytest.raises(InstallFailed) as failure:
            await machine.command(language="javascript", dependencies=["left-pad"])
        assert failure.value.ending.status == 3
    machine.has("npm", more="mkdir node_modules")
    assert await machine.command(language="javascript", dependencies=["left-pad"]) == "node .headrace_script.js"
    assert (machine.folder / "node_modules").resolve().is_relative_to(machine.cache)
    assert len(machine.called) == 3


async def test_steps_with_the_same_packages_wait_for_one_installation(machine: Machine) -> None:
    machine.has("npm", more="sleep 0.2; mkdir node_modules").has("node")
    other = machine.folder.parent / "other"
    other.mkdir()

    async def ask(folder: Path) -> None:
        tools = Toolchain(
            Packages(machine.cache, own={"PATH": str(machine.bin)}), machine._run, Deadline(10), path=str(machine.bin)
        )
        await tools.find({"language": "javascript", "dependencies": ["x"]}, folder)

    await asyncio.gather(ask(machine.folder), ask(other))
    assert len(machine.called) == 1
    with pytest.raises(InstallFailed) as failure:
        await _ask_while_held(machine)
    assert failure.value.ending.is_timed_out


async def _ask_while_held(machine: Machine) -> None:
    """Somebody else installs, and does not end within the step's time."""
    packages = Packages(machine.cache, own={"PATH": str(machine.bin)})
    async with packages._folder("node", str(machine.bin / "npm"), ["slow"], Deadline(None)):
        await machine.command(0.2, language="javascript", dependencies=["slow"])


def test_an_installer_knows_how_to_reach_its_packages_and_no_more() -> None:
    own = {"PATH": "p", "PIP_CONFIG_FILE": "c", "https_proxy": "h", "HEADRACE_MONGO_URL": "secret", "AWS_KEY": "secret"}
    assert set(installer_environment(own)) == {"PATH", "PIP_CONFIG_FILE", "https_proxy"}
