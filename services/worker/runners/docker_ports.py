"""What the docker runner asks of a container engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

STDOUT, STDERR = 1, 2
"""Numbers of streams, as the engine tells them apart."""


class EngineFailed(Exception):  # noqa: N818 - the broken fact
    """The engine refused, or did not answer; the text says what."""


class ImageMissing(EngineFailed):
    """The engine has no such image."""


@dataclass(frozen=True, slots=True)
class Found:
    """A container as it stands in the engine's list."""

    name: str
    labels: Mapping[str, str]
    created_at: datetime


class Attached(Protocol):
    """What a container writes, from its first byte."""

    async def read(self) -> tuple[int, bytes] | None:
        """The next piece and the number of its stream; None at the end.

        Raises:
            EngineFailed: the connection is broken.
        """
        ...

    async def close(self) -> None:
        """Let go. Repeats: harmless."""
        ...


class Engine(Protocol):
    """Containers by their names; every call has a deadline but `pull` and `wait`.

    Raises:
        EngineFailed: it refused or did not answer; unknown whether it was done.
    """

    async def close(self) -> None:
        """Close the connections. Repeats: harmless."""
        ...

    async def has_image(self, image: str) -> bool:
        """Whether the image is there."""
        ...

    async def pull(self, image: str) -> None:
        """Fetch the image from its registry."""
        ...

    async def create(self, name: str, config: Mapping[str, Any]) -> None:
        """Make a container; nothing runs yet.

        Raises:
            ImageMissing: somebody removed the image.
        """
        ...

    async def attach(self, name: str) -> Attached:
        """Read what it will write; before `start`, so that nothing is missed."""
        ...

    async def start(self, name: str) -> None:
        """Run it. Repeats: harmless."""
        ...

    async def wait(self, name: str) -> int:
        """Its exit code, once it has ended."""
        ...

    async def is_out_of_memory(self, name: str) -> bool:
        """Whether it ended because it used more memory than it may."""
        ...

    async def stop(self, name: str, *, grace_seconds: int) -> None:
        """SIGTERM, then SIGKILL. Repeats: harmless."""
        ...

    async def remove(self, name: str) -> None:
        """End it at once and forget it, with what it wrote. Repeats: harmless."""
        ...

    async def find(self, label: str) -> list[Found]:
        """All containers, ended ones too, with the label `name=value`."""
        ...
