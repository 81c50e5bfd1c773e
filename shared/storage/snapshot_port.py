"""What services ask of the states of tasks and workspaces."""

from typing import Protocol

from shared.storage.records import SnapshotRecord, StateScope


class SnapshotStore(Protocol):
    """The states of tasks and workspaces, the newest few of each."""

    async def latest(self, scope: StateScope) -> SnapshotRecord | None:
        """The newest one; None if there is none."""
        ...

    async def list_snapshots(self, scope: StateScope) -> list[SnapshotRecord]:
        """All that are kept, newest first."""
        ...

    async def load_archive(self, snapshot: SnapshotRecord) -> bytes | None:
        """Its files as tar.gz, empty if it has none; None if it was removed."""
        ...

    async def put(self, snapshot: SnapshotRecord, archive: bytes, *, keep: int) -> bool:
        """Keep it with its files, and of its scope only the newest `keep`.

        Answers whether it was kept; False: another one has this number. Repeats: True.
        """
        ...
