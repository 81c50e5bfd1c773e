"""The wish to end one attempt early."""

import asyncio
from enum import StrEnum


class HaltReason(StrEnum):
    """Who wants it to end."""

    CANCELLED = "cancelled"  # a person or the engine
    DRAINED = "worker drained"  # this worker stops; the step is to run elsewhere


class Halt:
    """Asked for at most once; the first reason stays."""

    def __init__(self) -> None:
        self.reason: HaltReason | None = None
        self._asked = asyncio.Event()

    def ask(self, reason: HaltReason) -> None:
        """End the attempt. Repeats: harmless."""
        if self.reason is None:
            self.reason = reason
            self._asked.set()

    async def asked(self) -> None:
        """Return once somebody asked."""
        await self._asked.wait()
