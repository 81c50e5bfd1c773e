"""Reads a commit's files out of a repository, without a check-out: no hooks, no filters, no submodules."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath

from services.scheduler.run_git import run_git
from shared.definition.snapshot import FILES, SKIPPED_FOLDERS, TOTAL_BYTES, FileContent, Snapshot
from shared.errors import Rejected, Unavailable

READ_WITHIN = timedelta(seconds=60)
_LINK = "120000"
_SUBMODULE = "160000"
_EXECUTABLE = "100755"
_LONGEST_LINK = 4096  # bytes; a longer target is no path


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    blob: str
    size: int
    path: str


async def read_tree(repository: Path, commit: str) -> Snapshot:
    """The files of a commit, byte for byte; links to files inside are followed, others refused.

    Raises:
        Rejected: larger than a workspace may be.
        Unavailable: git failed.
    """
    listed = await run_git(
        ["--git-dir", str(repository), "ls-tree", "-r", "-z", "-l", "--full-tree", commit], within=READ_WITHIN
    )
    refused: dict[str, str] = {}
    entries = {entry.path: entry for entry in _read_entries(listed, refused)}
    if len(entries) > FILES:
        raise Rejected(f"the commit has more than {FILES} files")
    if sum(entry.size for entry in entries.values()) > TOTAL_BYTES:
        raise Rejected(f"the commit's files have more than {TOTAL_BYTES} bytes")
    blobs = await _read_blobs(repository, [entry.blob for entry in entries.values()])
    return _join(entries, blobs, refused)


def _read_entries(listed: bytes, refused: dict[str, str]) -> Iterator[_Entry]:
    for row in listed.split(b"\0"):
        head, tab, name = row.partition(b"\t")
        if not tab:
            continue
        mode, _, blob, size = head.decode().split()
        path = name.decode("utf-8", "replace")
        parts = PurePosixPath(path).parts
        if SKIPPED_FOLDERS.intersection(parts):
            continue
        if path.encode() != name or ".." in parts or "\\" in path or path.startswith("/"):
            refused[path] = "its name is no plain UTF-8 path"
        elif mode == _SUBMODULE:
            refused[path] = "submodules are not fetched"
        else:
            yield _Entry(mode, blob, int(size), path)


async def _read_blobs(repository: Path, wanted: list[str]) -> dict[str, bytes]:
    asked = list(dict.fromkeys(wanted))
    text = "".join(f"{blob}\n" for blob in asked).encode()
    answer = await run_git(["--git-dir", str(repository), "cat-file", "--batch"], within=READ_WITHIN, stdin=text)
    found, at = {}, 0
    for blob in asked:
        end = answer.find(b"\n", at)
        head = answer[at:end].split()
        if len(head) != 3 or head[1] != b"blob":  # noqa: PLR2004 - id, kind, size
            raise Unavailable("git does not have a file of the commit that it listed")
        start, size = end + 1, int(head[2])
        found[blob] = answer[start : start + size]
        at = start + size + 1
    return found


def _join(entries: Mapping[str, _Entry], blobs: Mapping[str, bytes], refused: dict[str, str]) -> Snapshot:
    files = {}
    for path, entry in entries.items():
        source: _Entry | None = entry
        if entry.mode == _LINK:
            source = _follow(entries, path, blobs[entry.blob])
        if source is None:
            refused[path] = "the link leads to no file of the repository"
        else:
            files[path] = FileContent(blobs[source.blob], source.mode == _EXECUTABLE)
    return Snapshot(dict(sorted(files.items())), dict(sorted(refused.items())))


def _follow(entries: Mapping[str, _Entry], path: str, target: bytes) -> _Entry | None:
    """The file that a link leads to; a link to a link is not followed."""
    if len(target) > _LONGEST_LINK or target.startswith(b"/"):
        return None
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), target.decode("utf-8", "replace")))
    found = entries.get(joined)
    return found if found is not None and found.mode != _LINK else None
