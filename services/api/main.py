"""Starts the api: `python -m services.api.main`."""

import structlog

from services.api.settings import ApiSettings
from services.api.wiring import build, run
from shared.orchestration.connect import connected
from shared.runtime.lifecycle import Lifecycle, run_service, stop_on_signals
from shared.telemetry.logs import configure_logs

log = structlog.get_logger()


async def start() -> None:
    """Read the settings, connect, serve until SIGTERM or SIGINT."""
    settings = ApiSettings.load()
    configure_logs("api", level=settings.log_level, style=settings.log_format)
    log.info("api.starting", settings=settings.model_dump(mode="json"))
    lifecycle = Lifecycle()
    stop_on_signals(lifecycle)
    async with connected(settings, "api", lifecycle) as (storage, broker):
        parts = build(settings, storage=storage, broker=broker, lifecycle=lifecycle)
        log.info("api.serving", host=settings.api_host, port=settings.api_port)
        await run(parts)
    log.info("api.stopped")


if __name__ == "__main__":
    run_service(start)
