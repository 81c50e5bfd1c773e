"""What services ask of the store of artifacts. Every method may raise StoreUnavailable, as in `ports`."""

from collections.abc import Sequence
from typing import Protocol

from shared.storage.artifact_records import ArtifactRecord


class ArtifactStore(Protocol):
    """Files that steps leave behind: the bytes in parts, kept before the record that makes them an artifact."""

    async def put_part(self, content: str, index: int, data: bytes) -> None:
        """Keep a part of an upload's bytes. Repeats: left as it is."""
        ...

    async def load_part(self, content: str, index: int) -> bytes:
        """One part.

        Raises:
            NotFound: the artifact was replaced meanwhile.
        """
        ...

    async def put(self, record: ArtifactRecord) -> ArtifactRecord | None:
        """Make it the job's artifact of that name; the last writer wins, but for earlier attempts of the same step.

        Answers the record whose bytes nobody needs any more: the replaced one, or the given one if it came too late.
        Repeats: None.
        """
        ...

    async def list_of(self, job_id: str) -> list[ArtifactRecord]:
        """The job's artifacts, by name."""
        ...

    async def load(self, job_id: str, name: str) -> ArtifactRecord | None:
        """One."""
        ...

    async def remove_parts(self, records: Sequence[ArtifactRecord]) -> None:
        """Forget the bytes of these. Repeats: harmless."""
        ...
