"""A step's state on disk: what it finds, and what it leaves."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from shared.storage.state_archive import STATE_FILE, StateFile, StateRefused, check_path, check_size, read_files
from shared.storage.state_change import StateChange

REMOVED_FILE = ".removed"
"""Where a step lists, one path a line, what is not to be carried over."""

LONGEST_LIST_BYTES = 2**20
_READ_ONLY, _READ_ONLY_PROGRAM, _READ_ONLY_FOLDER = 0o444, 0o555, 0o555


def lay_out(folder: Path, state: Mapping[str, Any], archive: bytes) -> None:
    """Write a snapshot into the empty `folder`, read-only.

    Raises:
        StateRefused: the archive is damaged.
        OSError: the disk.
    """
    files = read_files(archive) | {STATE_FILE: StateFile(orjson.dumps(dict(state), option=orjson.OPT_INDENT_2))}
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(_READ_ONLY_PROGRAM if file.is_executable else _READ_ONLY)
    for parent, _, _ in os.walk(folder, topdown=False):
        Path(parent).chmod(_READ_ONLY_FOLDER)


def collect(folder: Path, lines: Mapping[str, Any]) -> StateChange | None:
    """What a step wrote: its files in `folder` and the keys of its `lines`; None if it wrote nothing.

    Only plain files count. A `state.json` stands for all keys of before; the lines' go over it.

    Raises:
        StateRefused, StateTooLarge: it can't be kept.
    """
    try:
        files = dict(_read_all(folder))
    except OSError as error:
        raise StateRefused(f"{error.filename} can't be read: {error.strerror}") from None
    if not files and not lines:
        return None
    written = files.pop(STATE_FILE, None)
    listed = files.pop(REMOVED_FILE, None)
    keys = {} if written is None else _parse(written.content)
    return StateChange(
        keys={**keys, **lines},
        files=files,
        removed=frozenset() if listed is None else _parse_removed(listed.content),
        has_own_keys=written is not None,
    )


def _read_all(folder: Path) -> Iterator[tuple[str, StateFile]]:
    total = count = 0
    for parent, _, names in os.walk(folder, onerror=_raise):
        for name in names:
            path = Path(parent, name)
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                continue
            total, count = total + status.st_size, count + 1
            check_size(total, count)
            yield check_path(str(path.relative_to(folder))), StateFile(_read(path), bool(status.st_mode & 0o100))


def _raise(error: OSError) -> None:
    raise error


def _read(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
        return opened.read()


def _parse(text: bytes) -> dict[str, Any]:
    try:
        keys = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise StateRefused(f"{STATE_FILE} is not valid JSON: {error}") from None
    if not isinstance(keys, dict):
        raise StateRefused(f"{STATE_FILE} is not a JSON object")
    return keys


def _parse_removed(text: bytes) -> frozenset[str]:
    if len(text) > LONGEST_LIST_BYTES:
        raise StateRefused(f"{REMOVED_FILE} has more than {LONGEST_LIST_BYTES} bytes")
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines()]
    return frozenset(check_path(line) or "." for line in lines if line)
