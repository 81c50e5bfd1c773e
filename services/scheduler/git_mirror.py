"""A bare repository in the scheduler's data folder, for one remote and one process at a time."""

import asyncio
import fcntl
import os
import shutil
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from services.scheduler.run_git import Remote, run_git
from shared.errors import Unavailable

FETCH_WITHIN = timedelta(seconds=300)
INIT_WITHIN = timedelta(seconds=20)
FETCHES = 100  # then it is made anew, which is cheaper than collecting its garbage
MOST_PROCESSES = 64  # schedulers that share a data folder


class GitMirror:
    """Holds the latest commit without its history. What went wrong is mended by fetching into a fresh one."""

    def __init__(self, folder: Path, remote: Remote) -> None:
        self._folder = folder
        self._remote = remote
        self._lock: int | None = None
        self._path: Path | None = None
        self._fetches = 0

    async def fetch(self, commit: str) -> Path:
        """The repository, which has this commit from now on.

        Raises:
            Unavailable: git failed, or the disk.
        """
        try:
            path = await asyncio.to_thread(self._open)
        except OSError as error:
            raise Unavailable(f"the scheduler's data folder can't be used: {error.strerror}") from error
        self._fetches += 1
        try:
            if not (path / "HEAD").exists():
                await run_git(["init", "--quiet", "--bare", "--template=", "--", str(path)], within=INIT_WITHIN)
            await self._fetch(path, commit)
        except Unavailable:
            self._fetches = FETCHES
            raise
        return path

    async def _fetch(self, path: Path, commit: str) -> None:
        options = ["--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--force"]
        await run_git(
            ["--git-dir", str(path), "fetch", *options, "--", self._remote.url, f"{commit}:refs/headrace/current"],
            within=FETCH_WITHIN,
            settings=self._remote.settings,
        )

    def _open(self) -> Path:
        """The repository's folder, this process's alone; a fresh one at first and when it has served long enough."""
        if self._path is None:
            self._path = self._take()
            self._fetches = FETCHES
        if self._fetches >= FETCHES:
            shutil.rmtree(self._path, ignore_errors=True)
            self._fetches = 0
        return self._path

    def _take(self) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = sha256(self._remote.url.encode()).hexdigest()[:24]
        for number in range(MOST_PROCESSES):
            handle = os.open(self._folder / f"{name}.{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(handle)
                continue
            self._lock = handle  # kept for as long as the process lives
            return self._folder / f"{name}.{number}.git"
        raise Unavailable(f"more than {MOST_PROCESSES} schedulers share the folder {self._folder}")
