"""Artifacts in memory, for tests."""

from collections.abc import Sequence
from dataclasses import replace

from shared.errors import NotFound
from shared.storage.artifact_records import ArtifactRecord
from shared.storage.codecs import to_millis


class MemoryArtifacts:
    """The artifact store."""

    def __init__(self) -> None:
        self._artifacts: dict[tuple[str, str], ArtifactRecord] = {}
        self._parts: dict[tuple[str, int], bytes] = {}

    async def put_part(self, content: str, index: int, data: bytes) -> None:
        self._parts.setdefault((content, index), bytes(data))

    async def load_part(self, content: str, index: int) -> bytes:
        if (content, index) not in self._parts:
            raise NotFound("the artifact was replaced meanwhile")
        return self._parts[content, index]

    async def put(self, record: ArtifactRecord) -> ArtifactRecord | None:
        key = record.job_id, record.name
        before = self._artifacts.get(key)
        if before is not None and before.content == record.content:
            return None
        if before is not None and before.step == record.step and before.attempt > record.attempt:
            return record
        self._artifacts[key] = replace(record, created_at=to_millis(record.created_at))
        return before

    async def list_of(self, job_id: str) -> list[ArtifactRecord]:
        found = [record for record in self._artifacts.values() if record.job_id == job_id]
        return sorted(found, key=lambda record: record.name.encode())

    async def load(self, job_id: str, name: str) -> ArtifactRecord | None:
        return self._artifacts.get((job_id, name))

    async def remove_parts(self, records: Sequence[ArtifactRecord]) -> None:
        for record in records:
            for index in range(record.part_count):
                self._parts.pop((record.content, index), None)
