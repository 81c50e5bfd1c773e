"""Workspaces and log chunks in memory, for tests."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from shared.storage.codecs import to_millis
from shared.storage.json_text import dump_json, load_json
from shared.storage.records import LogChunk, RevisionRecord, WorkspaceRecord


class MemoryWorkspaces:
    """The workspace store."""

    def __init__(self) -> None:
        self._workspaces: dict[str, WorkspaceRecord] = {}
        self._revisions: dict[tuple[str, str], tuple[str, str, bytes]] = {}

    async def put_revision(self, record: RevisionRecord, archive: bytes) -> None:
        texts = (dump_json(record.definition), dump_json(list(record.problems)))
        self._revisions.setdefault((record.workspace, record.revision), (*texts, bytes(archive)))

    async def set_current(self, record: WorkspaceRecord) -> None:
        loaded_at = record.loaded_at and to_millis(record.loaded_at)
        refreshed_at = record.refreshed_at and to_millis(record.refreshed_at)
        if refreshed_at is None and record.name in self._workspaces:
            refreshed_at = self._workspaces[record.name].refreshed_at
        self._workspaces[record.name] = replace(record, loaded_at=loaded_at, refreshed_at=refreshed_at)

    async def remove_others(self, names: Sequence[str]) -> None:
        self._workspaces = {name: record for name, record in self._workspaces.items() if name in names}

    async def list_workspaces(self) -> list[WorkspaceRecord]:
        return [self._workspaces[name] for name in sorted(self._workspaces)]

    async def load_workspace(self, name: str) -> WorkspaceRecord | None:
        return self._workspaces.get(name)

    async def load_revision(self, workspace: str, revision: str) -> RevisionRecord | None:
        found = self._revisions.get((workspace, revision))
        if found is None:
            return None
        return RevisionRecord(workspace, revision, load_json(found[0]), tuple(load_json(found[1])))

    async def load_archive(self, workspace: str, revision: str) -> bytes | None:
        found = self._revisions.get((workspace, revision))
        return found[2] if found else None


class MemoryLogs:
    """The log store."""

    def __init__(self) -> None:
        self._chunks: dict[tuple[str, str, int, int], LogChunk] = {}

    async def append(self, chunks: Sequence[LogChunk]) -> None:
        for chunk in chunks:
            if chunk.lines:
                self._chunks.setdefault((chunk.job_id, chunk.step, chunk.attempt, chunk.first), chunk)

    async def read(self, job_id: str, *, step: str | None = None) -> AsyncIterator[LogChunk]:
        wanted = [chunk for chunk in self._chunks.values() if chunk.job_id == job_id and step in (None, chunk.step)]
        wanted.sort(key=lambda chunk: (to_millis(chunk.lines[0][0]), chunk.step, chunk.attempt, chunk.first))
        for chunk in wanted:
            yield chunk

    async def read_range(self, job_id: str, step: str, attempt: int, *, first: int, limit: int) -> list[LogChunk]:
        chunks = [
            chunk
            for chunk in self._chunks.values()
            if (chunk.job_id, chunk.step, chunk.attempt) == (job_id, step, attempt)
            and chunk.first + len(chunk.lines) > first
        ]
        return sorted(chunks, key=lambda chunk: chunk.first)[:limit]

    async def count_lines(self, job_id: str) -> dict[tuple[str, int], int]:
        counts: dict[tuple[str, int], int] = {}
        for chunk in self._chunks.values():
            if chunk.job_id == job_id:
                key = (chunk.step, chunk.attempt)
                counts[key] = counts.get(key, 0) + len(chunk.lines)
        return counts
