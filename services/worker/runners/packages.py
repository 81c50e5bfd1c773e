"""Packages that scripts depend on: installed once for each list of them, kept for all steps."""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from services.worker.process_group import Launch
from services.worker.runners.execution import Deadline, Ending
from services.worker.runners.languages import find_program
from services.worker.runners.runner import CannotRun

FOLDER = ".packages"  # of the cache folder
LOOK_EVERY = timedelta(milliseconds=100)  # while somebody else installs the same
MOST = 200
_INSTALLER_PREFIXES = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_", "SSL_CERT_")
_INSTALLER_NAMES = {f"{kind}_proxy" for kind in ("http", "https", "no", "all")}

RunProgram = Callable[[Launch], Awaitable[Ending]]


class InstallFailed(Exception):  # noqa: N818 - the broken fact
    """The packages could not be installed; `ending` says how the installer ended."""

    def __init__(self, ending: Ending) -> None:
        super().__init__("The dependencies could not be installed")
        self.ending = ending


class Packages:
    """`root/<hash>`, shared by all workers that use the cache folder; a folder is whole once it has the file `ready`.

    Remove the whole to free the space: the next step that needs something installs it again.
    """

    def __init__(self, cache: Path, *, own: Mapping[str, str] = os.environ) -> None:
        self._root = cache / FOLDER
        self._own = own

    async def install_python(self, packages: list[str], base: str, run: RunProgram, deadline: Deadline) -> Path:
        """A python that has the packages, in a virtual environment made from `base`.

        Raises:
            InstallFailed, CannotRun.
        """
        async with self._folder("python", base, packages, deadline) as (folder, is_ready):
            python = folder / "venv" / "bin" / "python"
            if not is_ready:
                pip = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
                await self._run(run, folder, [base, "-m", "venv", str(folder / "venv")])
                await self._run(run, folder, [*pip, "--", *packages])
        return python

    async def install_node(self, packages: list[str], path: str, run: RunProgram, deadline: Deadline) -> Path:
        """A `node_modules` folder with the packages.

        Raises:
            InstallFailed, CannotRun.
        """
        npm = ("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--")
        installer = find_program((npm, ("bun", "add")), path, needed_by="`dependencies` of JavaScript")
        async with self._folder("node", installer[0], packages, deadline) as (folder, is_ready):
            if not is_ready:
                (folder / "package.json").write_text('{"private": true}')
                await self._run(run, folder, [*installer, *packages])
                (folder / "node_modules").mkdir(exist_ok=True)
        return folder / "node_modules"

    async def _run(self, run: RunProgram, folder: Path, command: list[str]) -> None:
        ending = await run(Launch(command, installer_environment(self._own), folder))
        if ending.status or ending.is_halted or ending.is_timed_out:
            raise InstallFailed(ending)

    @asynccontextmanager
    async def _folder(
        self, kind: str, program: str, packages: list[str], deadline: Deadline
    ) -> AsyncIterator[tuple[Path, bool]]:
        """The folder for these packages, held by us, empty or ready; ready when the block ends well."""
        folder = self._root / _key_of(kind, program, packages)
        try:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            async with _held(folder.with_suffix(".lock"), deadline):
                is_ready = (folder / "ready").exists()
                if not is_ready:
                    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                    folder.mkdir(mode=0o700)
                yield folder, is_ready
                (folder / "ready").touch()
        except OSError as error:
            raise CannotRun(f"The folder for packages can't be used: {error.strerror}") from error


def _key_of(kind: str, program: str, packages: list[str]) -> str:
    asked = json.dumps([kind, os.path.realpath(program), sorted(packages)])
    return hashlib.sha256(asked.encode()).hexdigest()[:32]


@asynccontextmanager
async def _held(path: Path, deadline: Deadline) -> AsyncIterator[None]:
    """The lock of one list of packages, among all workers of the machine."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _take(lock):
            if deadline.left_seconds == 0:
                raise InstallFailed(Ending(-9, is_timed_out=True))
            await asyncio.sleep(LOOK_EVERY.total_seconds())
        yield
    finally:
        os.close(lock)


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_packages(asked: Iterable[object]) -> list[str]:
    """The names, with versions if written, that a script depends on.

    Raises:
        CannotRun: one could be taken for an option of the installer, or is no name at all.
    """
    found = [str(one).strip() for one in asked]
    if len(found) > MOST:
        raise CannotRun(f"more than {MOST} dependencies")
    for one in found:
        if not one or one.startswith("-") or not one.isprintable():
            raise CannotRun(f"{one!r} is no name of a dependency")
    return found


def installer_environment(own: Mapping[str, str]) -> dict[str, str]:
    """What an installer gets of the worker's environment: as a step, and how it reaches the packages."""
    passed = {"PATH", "HOME", "LANG", "TMPDIR", "USER"}
    return {
        name: value
        for name, value in own.items()
        if name in passed or name.lower() in _INSTALLER_NAMES or name.startswith(_INSTALLER_PREFIXES)
    }
