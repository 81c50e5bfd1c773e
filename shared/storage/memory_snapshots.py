"""State snapshots in memory, for tests."""

from dataclasses import replace

from shared.storage.codecs import to_millis
from shared.storage.json_text import dump_json, load_json
from shared.storage.records import SnapshotRecord, StateScope


class MemorySnapshots:
    """The snapshot store."""

    def __init__(self) -> None:
        self._snapshots: dict[StateScope, dict[int, tuple[SnapshotRecord, bytes]]] = {}

    async def latest(self, scope: StateScope) -> SnapshotRecord | None:
        found = await self.list_snapshots(scope)
        return found[0] if found else None

    async def list_snapshots(self, scope: StateScope) -> list[SnapshotRecord]:
        kept = self._snapshots.get(scope, {})
        return [kept[number][0] for number in sorted(kept, reverse=True)]

    async def load_archive(self, snapshot: SnapshotRecord) -> bytes | None:
        found = self._snapshots.get(snapshot.scope, {}).get(snapshot.number)
        return found[1] if found is not None and found[0].id == snapshot.id else None

    async def put(self, snapshot: SnapshotRecord, archive: bytes, *, keep: int) -> bool:
        kept = self._snapshots.setdefault(snapshot.scope, {})
        stored = replace(
            snapshot,
            state=load_json(dump_json(snapshot.state)),
            files=load_json(dump_json(snapshot.files)),
            created_at=to_millis(snapshot.created_at),
        )
        is_kept = kept.setdefault(snapshot.number, (stored, bytes(archive)))[0].id == snapshot.id
        for number in sorted(kept, reverse=True)[keep:]:
            del kept[number]
        return is_kept
