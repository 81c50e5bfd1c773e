"""Finds the files that a step left as artifacts, and refuses what can't be kept."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LARGEST_FILE_BYTES = 100 * 2**20
LARGEST_JOB_BYTES = 2**30  # all artifacts of a job together
MOST_FILES = 1000  # of one step
LONGEST_NAME = 255
_LEVELS = 32


class ArtifactsRefused(Exception):  # noqa: N818 - the broken fact
    """Artifacts that can't be kept; the text says which and why, and fails the step."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file; `name` is its path inside the folder, with `/`."""

    name: str
    path: Path
    size_bytes: int


def find_artifacts(folder: Path) -> list[FoundFile]:
    """All files in the folder, by name; links are passed over.

    Raises:
        ArtifactsRefused: a name or a size is not allowed, or there are too many.
        OSError: the disk.
    """
    found: list[FoundFile] = []
    for file in _walk(folder, folder, _LEVELS):
        if len(found) >= MOST_FILES:
            raise ArtifactsRefused(f"A step leaves at most {MOST_FILES} artifacts")
        found.append(file)
    return sorted(found, key=lambda file: file.name)


def check_room(found: list[FoundFile], kept_bytes: int) -> None:
    """Whether the job may have these beside others of `kept_bytes`.

    Raises:
        ArtifactsRefused: it may not.
    """
    if kept_bytes + sum(file.size_bytes for file in found) > LARGEST_JOB_BYTES:
        raise ArtifactsRefused(f"The artifacts of a job are at most {LARGEST_JOB_BYTES // 2**20} MiB together")


def _walk(root: Path, folder: Path, levels: int) -> Iterator[FoundFile]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if levels == 0:
                    raise ArtifactsRefused(f"The artifacts lie more than {_LEVELS} folders deep")
                yield from _walk(root, Path(entry.path), levels - 1)
            elif entry.is_file(follow_symlinks=False):
                yield _check(root, entry)


def _check(root: Path, entry: os.DirEntry[str]) -> FoundFile:
    path = Path(entry.path)
    name = path.relative_to(root).as_posix()
    trouble = _find_trouble(name)
    if trouble:
        raise ArtifactsRefused(f"The artifact {ascii(name)[:300]} can't be kept: {trouble}")
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE_BYTES:
        raise ArtifactsRefused(f"The artifact '{name}' is larger than {LARGEST_FILE_BYTES // 2**20} MiB")
    return FoundFile(name, path, status.st_size)


def _find_trouble(name: str) -> str | None:
    if len(name) > LONGEST_NAME:
        return f"its name has more than {LONGEST_NAME} characters"
    if name.startswith("-"):
        return "its name begins with '-'"
    if ".." in name:
        return "its name has '..'"
    if not name.isprintable():  # also half characters, which stand for bytes that are not UTF-8
        return "its name has characters that can't be shown"
    return None
