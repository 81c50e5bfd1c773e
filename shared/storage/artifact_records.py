"""What the store keeps of an artifact beside its bytes."""

from dataclasses import dataclass
from datetime import datetime

PART_BYTES = 2 * 2**20
"""A part travels well within one call's deadline; all parts but the last have this size."""


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """A file that an attempt left behind; `content` is the id of its bytes, new for each upload."""

    job_id: str
    name: str
    step: str
    attempt: int
    content: str
    content_type: str
    size_bytes: int
    created_at: datetime

    @property
    def part_count(self) -> int:
        """In how many parts the bytes are kept."""
        return -(-self.size_bytes // PART_BYTES)
