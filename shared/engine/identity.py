"""Ids that follow from what they name, so that doing it twice names it once."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

_MILLIS_BITS = 48


def derive_id(at: datetime, *parts: str | int) -> str:
    """A UUIDv7 whose time is `at` (ms) and whose random part is a hash of `parts`: same arguments, same id."""
    millis = int(at.timestamp() * 1000) & ((1 << _MILLIS_BITS) - 1)
    digest = int.from_bytes(sha256("\x00".join(str(part) for part in parts).encode()).digest()[:10], "big")
    value = (millis << 80) | digest
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return str(UUID(int=value))


def command_id(job_id: str, step: str | None, attempt: int, kind: str) -> str:
    """The id of a command: `job/step/attempt/kind`; also its AMQP message id and a timer's key."""
    return f"{job_id}/{step or ''}/{attempt}/{kind}"
