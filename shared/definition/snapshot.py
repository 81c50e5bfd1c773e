"""A workspace folder's files as they were at one moment."""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2s
from pathlib import Path

from shared.errors import NotFound, Rejected, Unavailable

TOTAL_BYTES = 50 * 1024 * 1024
"""Largest workspace, all files together."""

FILES = 20_000
LEVELS = 32
SKIPPED_FOLDERS = frozenset({".git", "__pycache__"})


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file's bytes, and whether its owner may execute it."""

    content: bytes
    is_executable: bool = False


@dataclass(frozen=True)
class Snapshot:
    """`files` is `{relative path with /: content}`, sorted; `refused` is `{relative path: why it is left out}`."""

    files: Mapping[str, FileContent]
    refused: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def revision(self) -> str:
        """Blake2s over the paths, modes and contents: the same files, the same revision, on any machine."""
        digest = blake2s()
        for path, file in sorted(self.files.items()):
            head = f"{path}\0{int(file.is_executable)}\0{len(file.content)}\0"
            digest.update(head.encode())
            digest.update(file.content)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Found:
    relative: str
    path: Path
    status: os.stat_result | None
    refusal: str | None = None


def take_snapshot(folder: Path) -> Snapshot:
    """Read the whole folder into memory; links that leave it are refused, `.git` and `__pycache__` passed over.

    Raises:
        NotFound: there is no such folder.
        Rejected: larger than `TOTAL_BYTES`, more than `FILES` files.
        Unavailable: a file can't be read; it may be gone again, try later.
    """
    files: dict[str, FileContent] = {}
    refused: dict[str, str] = {}
    total = 0
    for found in _walk(folder):
        if found.status is None:
            refused[found.relative] = found.refusal or "it can't be read"
            continue
        total += found.status.st_size
        if total > TOTAL_BYTES:
            raise Rejected(f"the workspace folder is larger than {TOTAL_BYTES} bytes")
        files[found.relative] = FileContent(_read(found.path), bool(found.status.st_mode & stat.S_IXUSR))
    return Snapshot(dict(sorted(files.items())), refused)


def fingerprint(folder: Path) -> str:
    """Changes when a file's name, size, mode or time of change does; reads no contents. For polling.

    Raises:
        NotFound, Rejected, Unavailable: as `take_snapshot`.
    """
    digest = blake2s()
    for found in _walk(folder):
        status = found.status
        facts = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode) if status else found.refusal
        digest.update(f"{found.relative}\0{facts}\0".encode())
    return digest.hexdigest()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(TOTAL_BYTES + 1)
    except OSError as error:
        raise Unavailable(f"{path.name} can't be read: {error.strerror}") from error
    if len(content) > TOTAL_BYTES:
        raise Rejected(f"the workspace folder is larger than {TOTAL_BYTES} bytes")
    return content


def _walk(folder: Path) -> Iterator[_Found]:
    root = folder.resolve()
    if not root.is_dir():
        raise NotFound(f"the workspace folder {folder} does not exist")
    try:
        for count, found in enumerate(_walk_folder(root, root, LEVELS)):
            if count >= FILES:
                raise Rejected(f"the workspace folder has more than {FILES} files")
            yield found
    except OSError as error:
        raise Unavailable(f"the workspace folder {folder} can't be read: {error.strerror}") from error


def _walk_folder(root: Path, folder: Path, levels: int) -> Iterator[_Found]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        relative = Path(entry.path).relative_to(root).as_posix()
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in SKIPPED_FOLDERS and levels > 0:
                yield from _walk_folder(root, Path(entry.path), levels - 1)
        else:
            yield _look_at(root, entry, relative)


def _look_at(root: Path, entry: os.DirEntry[str], relative: str) -> _Found:
    path = Path(entry.path)
    if not _is_utf8(relative):
        return _Found(relative.encode("utf-8", "replace").decode(), path, None, "its name is not UTF-8")
    try:
        target = path.resolve(strict=True)
        status = target.stat()
    except (OSError, RuntimeError):
        return _Found(relative, path, None, "the link leads nowhere")
    if not target.is_relative_to(root):
        return _Found(relative, path, None, "the link leaves the workspace folder")
    if not stat.S_ISREG(status.st_mode):
        what = "links to folders are not followed" if stat.S_ISDIR(status.st_mode) else "it is no regular file"
        return _Found(relative, path, None, what)
    return _Found(relative, target, status)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
