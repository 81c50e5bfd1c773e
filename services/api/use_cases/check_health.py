"""Whether this instance can serve."""

import asyncio
from collections.abc import Mapping
from typing import Literal

from services.api.models.system import Health
from shared.broker.ports import Broker
from shared.errors import HeadraceError
from shared.storage.ports import Storage

PING_SECONDS = 3.0


async def check_health(storage: Storage, broker: Broker, troubles: Mapping[str, str]) -> tuple[Health, bool]:
    """How each part is, and whether all are well."""
    database = await _ping(storage)
    has_broker = broker.is_ready
    is_well = database == "ok" and has_broker and not troubles
    health = Health(
        status="ok" if is_well else "unhealthy",
        db=database,
        broker="ok" if has_broker else "error",
        loops=dict(troubles),
    )
    return health, is_well


async def _ping(storage: Storage) -> Literal["ok", "error"]:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await storage.ping()
    except (HeadraceError, TimeoutError):
        return "error"
    return "ok"
