"""What the scheduler loads workspaces and libraries from."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.definition.snapshot import Snapshot, fingerprint, take_snapshot


@dataclass(frozen=True, slots=True)
class Fetched:
    """A source's files as they were at `revision`."""

    snapshot: Snapshot
    revision: str


class FileSource(Protocol):
    """Where files come from."""

    async def peek(self, *, is_forced: bool = False) -> str:
        """Something that changes when the files do, at little cost; `is_forced`: from the source, not from memory.

        Raises:
            NotFound, Rejected, Unavailable: there is no such source, it is too large, or it does not answer.
        """
        ...

    async def fetch(self) -> Fetched:
        """The files as `peek` saw them, or newer.

        Raises:
            NotFound, Rejected, Unavailable: as `peek`.
        """
        ...


class FolderFiles:
    """A folder on this machine; its revision is made of its content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def peek(self, *, is_forced: bool = False) -> str:  # noqa: ARG002 - a folder is always asked
        return await asyncio.to_thread(fingerprint, self._folder)

    async def fetch(self) -> Fetched:
        return await asyncio.to_thread(self._read)

    def _read(self) -> Fetched:
        snapshot = take_snapshot(self._folder)
        return Fetched(snapshot, snapshot.revision)
