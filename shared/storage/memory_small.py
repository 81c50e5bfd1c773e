"""Timers, fires, routes and idempotency keys in memory, for tests."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.storage.codecs import to_millis
from shared.storage.records import Timer


class MemoryTimers:
    """The timer store."""

    def __init__(self) -> None:
        self._timers: dict[str, Timer] = {}

    async def put(self, timers: Sequence[Timer]) -> None:
        for timer in timers:
            self._timers.setdefault(timer.id, replace(timer, due_at=to_millis(timer.due_at)))

    async def find_due(self, now: datetime, limit: int) -> list[Timer]:
        due = [timer for timer in self._timers.values() if timer.due_at <= now]
        return sorted(due, key=lambda timer: (timer.due_at, timer.id))[:limit]

    async def next_due_at(self) -> datetime | None:
        return min((timer.due_at for timer in self._timers.values()), default=None)

    async def remove(self, timer_ids: Sequence[str]) -> None:
        for timer_id in timer_ids:
            self._timers.pop(timer_id, None)

    async def find_of(self, job_ids: Sequence[str]) -> list[Timer]:
        return [timer for timer in self._timers.values() if timer.job_id in job_ids]


class MemoryFires:
    """The fire store."""

    def __init__(self) -> None:
        self._fires: dict[str, datetime] = {}
        self._paused: set[str] = set()

    async def load_fired_until(self) -> dict[str, datetime]:
        return dict(self._fires)

    async def advance(self, trigger: str, fired_at: datetime) -> None:
        fired_at = to_millis(fired_at)
        self._fires[trigger] = max(self._fires.get(trigger, fired_at), fired_at)

    async def pause(self, trigger: str, paused_at: datetime) -> None:  # noqa: ARG002 - the port's signature
        self._paused.add(trigger)

    async def resume(self, trigger: str) -> None:
        self._paused.discard(trigger)

    async def load_paused(self) -> set[str]:
        return set(self._paused)


class MemoryRoutes:
    """The route store."""

    def __init__(self) -> None:
        self._routes: set[str] = set()

    async def add(self, route: str) -> bool:
        is_new = route not in self._routes
        self._routes.add(route)
        return is_new

    async def list_routes(self) -> list[str]:
        return sorted(self._routes)


class MemoryIdempotency:
    """The idempotency store; it forgets nothing."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[str, str]] = {}

    async def claim(self, key: str, digest: str, job_id: str) -> tuple[str, str]:
        return self._keys.setdefault(key, (digest, job_id))
