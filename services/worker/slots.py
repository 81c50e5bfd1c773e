"""How many steps may run at the same time, over all routes."""

import asyncio
from collections.abc import Callable
from datetime import timedelta


class Slots:
    """A fixed number of slots, first come, first served."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._taken = 0
        self._semaphore = asyncio.Semaphore(total)
        self._on_release: list[Callable[[], None]] = []

    @property
    def free(self) -> int:
        """How many are free now."""
        return self.total - self._taken

    def tell_release(self, told: Callable[[], None]) -> None:
        """Call `told` whenever a slot becomes free."""
        self._on_release.append(told)

    async def take(self, *, within: timedelta) -> bool:
        """Take one; False if none became free in time."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._semaphore.acquire()
        except TimeoutError:
            return False
        self._taken += 1
        return True

    def release(self) -> None:
        """Give one back."""
        self._taken -= 1
        self._semaphore.release()
        for told in self._on_release:
            told()
