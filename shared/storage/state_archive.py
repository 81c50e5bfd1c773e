"""The files of a state snapshot as one archive, and back."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from shared.errors import Rejected

LARGEST_ARCHIVE_BYTES = 50 * 2**20  # packed; Strøm's limit
LARGEST_CONTENT_BYTES = 256 * 2**20  # unpacked, so that a small archive can't fill a disk
MOST_FILES = 10_000
LONGEST_NAME_BYTES = 255  # of one part of a path, as file systems have it
LONGEST_PATH_BYTES = 1024
STATE_FILE = "state.json"


class StateRefused(Rejected):
    """The state can't be kept."""

    code = "state_refused"


class StateTooLarge(StateRefused):
    """The state is too large to be kept."""

    code = "state_too_large"


@dataclass(frozen=True, slots=True)
class StateFile:
    """A plain file of a snapshot."""

    content: bytes
    is_executable: bool = False


def pack_files(files: Mapping[str, StateFile]) -> bytes:
    """The files as tar.gz, nothing at all if there are none.

    Raises:
        StateTooLarge: more than 50 MiB packed, 256 MiB unpacked, or 10,000 files.
    Repeats: the same files give the same bytes.
    """
    if not files:
        return b""
    check_size(sum(len(file.content) for file in files.values()), len(files))
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=6) as zipped,
        tarfile.open(mode="w", fileobj=zipped, format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, file in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size = len(file.content)
            entry.mode = 0o755 if file.is_executable else 0o644
            archive.addfile(entry, io.BytesIO(file.content))
    packed = buffer.getvalue()
    if len(packed) > LARGEST_ARCHIVE_BYTES:
        raise StateTooLarge(f"The state's files have {len(packed)} bytes packed; at most {LARGEST_ARCHIVE_BYTES}")
    return packed


def read_files(archive: bytes) -> dict[str, StateFile]:
    """The files of a tar.gz by their paths; empty bytes are no files.

    Raises:
        StateTooLarge: as `pack_files`.
        StateRefused: damaged, or holds anything but folders and plain files with plain relative paths.
    """
    if not archive:
        return {}
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(archive), mode="rb") as zipped,
            tarfile.open(mode="r|", fileobj=zipped) as opened,
        ):
            found = dict(_read_all(opened))
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, UnicodeError, ValueError) as error:
        raise StateRefused(f"The archive is not a gzip-compressed tar: {error}") from error
    _check_folders(found)
    return found


def check_size(content_bytes: int, count: int) -> None:
    """Whether so many files of so many bytes in all may be kept.

    Raises:
        StateTooLarge: they may not.
    """
    if content_bytes > LARGEST_CONTENT_BYTES:
        raise StateTooLarge(f"The state's files have more than {LARGEST_CONTENT_BYTES} bytes")
    if count > MOST_FILES:
        raise StateTooLarge(f"The state has more than {MOST_FILES} files")


def check_path(name: str) -> str:
    """A file's path within its snapshot, in its plain form; "" for the root itself.

    Raises:
        StateRefused: it leads out of it, or is too long.
    """
    pure = PurePosixPath(name)
    is_plain = not pure.is_absolute() and ".." not in pure.parts and "\0" not in name and "\\" not in name
    if not is_plain:
        raise StateRefused(f"The path {name!r} leads out of the state's folder")
    try:
        is_short = len(name.encode()) <= LONGEST_PATH_BYTES
        is_short &= all(len(part.encode()) <= LONGEST_NAME_BYTES for part in pure.parts)
    except UnicodeEncodeError:
        raise StateRefused(f"The path {name!r} is not UTF-8") from None
    if not is_short:
        raise StateRefused(f"The path {name[:50]!r}… is too long")
    return "/".join(pure.parts)


def _read_all(opened: tarfile.TarFile) -> Iterator[tuple[str, StateFile]]:
    total = 0
    seen: set[str] = set()
    for count, entry in enumerate(opened, start=1):
        total += entry.size
        check_size(total, count)
        path = check_path(entry.name)
        if entry.isdir():
            continue
        source = opened.extractfile(entry) if entry.isreg() else None
        if source is None or not path:
            raise StateRefused(f"The archive holds more than folders and plain files: {entry.name!r}")
        if path in seen:
            raise StateRefused(f"The archive holds {path!r} twice")
        seen.add(path)
        yield path, StateFile(source.read(), bool(entry.mode & 0o100))


def _check_folders(files: Mapping[str, StateFile]) -> None:
    """A path can't be a file and a folder at once."""
    for path in files:
        for parent in PurePosixPath(path).parents:
            if str(parent) in files:
                raise StateRefused(f"{str(parent)!r} is a file and a folder at once")
