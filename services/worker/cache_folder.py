"""The folder where one worker process unpacks and copies workspaces."""

import fcntl
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.worker.end_orphans import end_orphans
from shared.definition.archive import unpack
from shared.errors import Broken

log = structlog.get_logger()

SMALL_BYTES = 20 * 1024 * 1024  # up to here copies are made in advance
_OWNER_ONLY = 0o700


@dataclass(frozen=True, slots=True)
class Copy:
    """An unpacked workspace."""

    path: Path
    is_small: bool


class CacheFolder:
    """`root/<worker id>`, locked while the process lives.

    What a dead worker left, files and processes, is cleared away by the next one that starts.
    """

    def __init__(self, root: Path, worker_id: str) -> None:
        self._root = root
        self._own = root / worker_id
        self._lock: int | None = None

    def open(self) -> None:
        """Make and lock the own folder, clear away those that nobody holds.

        Raises:
            Broken: the folder can't be made, or belongs to somebody else.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True, mode=_OWNER_ONLY)
            if self._root.stat().st_uid != os.getuid():
                raise Broken(f"the cache folder {self._root} belongs to another user")
            self._lock = self._hold_new()
            (self._own / "copies").mkdir()
            (self._own / "revisions").mkdir()
        except OSError as error:
            raise Broken(f"the cache folder {self._root} can't be used: {error.strerror}") from error
        self.clear_dead()

    def clear_dead(self) -> None:
        """Remove the folders that nobody holds, and end the processes of their workers' steps. Repeats: harmless."""
        for other in self._root.iterdir():
            if other != self._own and not other.name.startswith("."):
                self._clear_if_dead(other)

    def close(self) -> None:
        """Remove the own folder."""
        self.remove(self._own)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def new_copy_path(self, name: str) -> Path:
        """Where a copy of that name goes."""
        return self._own / "copies" / name

    def unpack(self, archive: bytes, name: str) -> Copy:
        """Unpack an archive; it shows up under its name only when it is whole.

        Raises:
            Poison: as `archive.unpack`.
            OSError: the disk.
        """
        partial = self._own / "revisions" / f"{name}.partial"
        try:
            unpack(archive, partial)
        except BaseException:
            self.remove(partial)
            raise
        path = partial.rename(partial.with_suffix(""))
        size = sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
        return Copy(path, size <= SMALL_BYTES)

    def copy(self, pristine: Path, folder: Path) -> None:
        """Make `folder` with a copy of the workspace in `workspace/`."""
        folder.mkdir(mode=_OWNER_ONLY)
        try:
            shutil.copytree(pristine, folder / "workspace", symlinks=True)
        except BaseException:
            self.remove(folder)
            raise

    def remove(self, folder: Path) -> None:
        """Remove a folder and all in it, also what its step made unwritable; the next process removes what stays."""
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError:
            _open_up(folder)
            shutil.rmtree(folder, ignore_errors=True)

    def _clear_if_dead(self, other: Path) -> None:
        try:
            held = self._hold(other)
        except OSError:  # somebody lives there, or it is not one of ours
            return
        if ended := end_orphans(other.name):
            log.warning("orphans.ended", worker_id=other.name, count=ended)
        self.remove(other)
        os.close(held)

    def _hold_new(self) -> int:
        """The own folder has its name only once it is locked, lest another worker takes it for a dead one's."""
        young = self._root / f".{self._own.name}"
        held = self._hold(young)
        young.rename(self._own)
        return held

    @staticmethod
    def _hold(folder: Path) -> int:
        folder.mkdir(exist_ok=True, mode=_OWNER_ONLY)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise
        return lock


def _open_up(folder: Path) -> None:
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(parent, name)
            if not path.is_symlink():
                with suppress(OSError):
                    path.chmod(_OWNER_ONLY)
