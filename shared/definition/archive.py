"""A workspace's files as one archive, for workers."""

import gzip
import io
import os
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from shared.definition.snapshot import FILES, TOTAL_BYTES, Snapshot, take_snapshot
from shared.errors import Poison

_READ_CHUNK = 1024 * 1024


def pack_folder(folder: Path) -> bytes:
    """The folder as tar.gz.

    Raises:
        NotFound, Rejected, Unavailable: as `take_snapshot`.
    Repeats: the same files give the same bytes.
    """
    return pack(take_snapshot(folder))


def pack(snapshot: Snapshot) -> bytes:
    """The snapshot as tar.gz: regular files only, relative paths, no owners, no times."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=6) as zipped,
        tarfile.open(mode="w", fileobj=zipped, format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, file in snapshot.files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(file.content)
            entry.mode = 0o755 if file.is_executable else 0o644
            archive.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()


def unpack(data: bytes, target: Path) -> None:
    """Write the archive's files below `target`, which is made; nothing is written elsewhere, nothing is replaced.

    Raises:
        Poison: damaged, too large, or holds anything but folders and regular files with plain relative paths.
        OSError: the disk.
    Repeats: into a fresh `target`; a file that is there already is refused.
    """
    target.mkdir(parents=True, exist_ok=True)
    root = target.resolve()
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(data), mode="rb") as zipped,
            tarfile.open(mode="r|", fileobj=zipped) as archive,
        ):
            _unpack_all(archive, root)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, UnicodeError) as error:
        raise Poison(f"the workspace's archive is damaged: {error}") from error


def _unpack_all(archive: tarfile.TarFile, root: Path) -> None:
    left = TOTAL_BYTES
    for count, entry in enumerate(archive):
        left -= entry.size
        if left < 0 or count >= FILES:
            raise Poison("the workspace's archive is too large")
        path = _safe_path(entry.name, root)
        if entry.isdir():
            path.mkdir(parents=True, exist_ok=True)
        elif entry.isreg():
            _write(archive, entry, path)
        else:
            raise Poison(f"the workspace's archive holds more than files: {entry.name!r}")


def _safe_path(name: str, root: Path) -> Path:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or "\0" in name or "\\" in name or not pure.parts:
        raise Poison(f"the workspace's archive has a path that leaves it: {name!r}")
    path = root.joinpath(*pure.parts)
    if not path.resolve().is_relative_to(root):
        raise Poison(f"the workspace's archive has a path that leaves it: {name!r}")
    return path


def _write(archive: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> None:
    source = archive.extractfile(entry)
    if source is None:
        raise Poison(f"the workspace's archive holds more than files: {entry.name!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o755 if entry.mode & 0o100 else 0o644
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    except FileExistsError as error:
        raise Poison(f"the workspace's archive has a file twice: {entry.name!r}") from error
    with os.fdopen(handle, "wb") as file:
        while chunk := source.read(_READ_CHUNK):
            file.write(chunk)
