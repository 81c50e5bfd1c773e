"""What a service's health page says."""

from collections.abc import Mapping

from shared.broker.ports import Broker
from shared.errors import Unavailable
from shared.storage.ports import Storage


async def check_health(storage: Storage, broker: Broker, troubles: Mapping[str, str]) -> dict[str, str]:
    """`{part: "ok" or what is wrong}`: the database, the broker, and each loop whose last round failed."""
    checks = {"broker": "ok" if broker.is_ready else "not ready", "database": "ok"}
    try:
        await storage.ping()
    except Unavailable as error:
        checks["database"] = error.message
    return checks | dict(troubles)
