"""Finds what runs a script of a language, with the packages that it depends on."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.worker.process_group import Launch
from services.worker.runners.command_line import read_interpreter
from services.worker.runners.execution import Deadline
from services.worker.runners.languages import LANGUAGES, check_node, find_language, find_program
from services.worker.runners.packages import Packages, RunProgram, read_packages
from services.worker.runners.runner import CannotRun

_versions: dict[str, str] = {}  # {path of a node: what it says}; as long as the process lives


@dataclass(frozen=True, slots=True)
class Toolchain:
    """For one attempt; `run` runs an installer as a part of it, on `path`."""

    packages: Packages
    run: RunProgram
    deadline: Deadline
    path: str

    async def find(self, spec: Mapping[str, Any], folder: Path) -> list[str] | None:
        """The beginning of the command line; None: whatever the script or its language say, without packages.

        Packages of JavaScript lie in `folder`, above the workspace copy, where node looks for them.

        Raises:
            CannotRun: a tool is missing.
            InstallFailed.
        """
        language = str(spec.get("language") or "shell")
        find_language(language)
        packages = read_packages(spec.get("dependencies") or ())
        match language:
            case "python" if packages:
                return await self.find_python(packages, read_interpreter(spec))
            case "javascript" | "js" | "typescript" | "ts":
                return await self._find_javascript(spec, packages, folder, is_typed=language in ("typescript", "ts"))
            case _ if packages:
                raise CannotRun(f"language {language!r} takes no `dependencies`")
        return None

    async def find_python(self, packages: list[str], asked: str | None = None) -> list[str]:
        """A Python that has the packages, made from `asked` or the one on the path.

        Raises:
            CannotRun, InstallFailed: as `find`.
        """
        packages = read_packages(packages)
        if uv := shutil.which("uv", path=self.path):
            with_packages = [word for one in packages for word in ("--with", one)]
            chosen = ["--python", asked] if asked else []
            return [uv, "run", "--quiet", "--no-project", *chosen, *with_packages, "python"]
        programs = ((asked,),) if asked else LANGUAGES["python"].programs
        (base,) = find_program(programs, self.path, needed_by="`dependencies` of python")
        return [str(await self.packages.install_python(packages, base, self.run, self.deadline))]

    async def _find_javascript(
        self, spec: Mapping[str, Any], packages: list[str], folder: Path, *, is_typed: bool
    ) -> list[str] | None:
        if packages:
            modules = await self.packages.install_node(packages, self.path, self.run, self.deadline)
            (folder / "node_modules").symlink_to(modules)
        if read_interpreter(spec) or not is_typed:
            return None
        programs = [one for one in LANGUAGES["typescript"].programs if not (packages and one[0] == "deno")]
        found = find_program(programs, self.path, needed_by="language 'typescript'")
        if Path(found[0]).name == "node":
            check_node(await self._version_of(found[0], folder))
        return found

    async def _version_of(self, node: str, folder: Path) -> str:
        if node not in _versions:
            script = '"$0" --version > node-version'
            await self.run(Launch(["/bin/sh", "-c", script, node], {"PATH": self.path}, folder))
            _versions[node] = (folder / "node-version").read_text("utf-8", "replace")
        return _versions[node]
