"""Starts the dispatcher: `python -m services.dispatcher.main`."""

import structlog

from services.dispatcher.settings import DispatcherSettings
from services.dispatcher.wiring import build
from shared.orchestration.connect import connected
from shared.runtime.lifecycle import Lifecycle, run_service, stop_on_signals
from shared.telemetry.logs import configure_logs

log = structlog.get_logger()


async def start() -> None:
    """Read the settings, connect, work until SIGTERM or SIGINT."""
    settings = DispatcherSettings.load()
    configure_logs("dispatcher", level=settings.log_level, style=settings.log_format)
    log.info("dispatcher.starting", settings=settings.model_dump(mode="json"))
    lifecycle = Lifecycle()
    stop_on_signals(lifecycle)
    async with connected(settings, "dispatcher", lifecycle) as (storage, broker):
        dispatcher = build(settings, storage=storage, broker=broker, lifecycle=lifecycle)
        log.info("dispatcher.serving")
        await dispatcher.run()
    log.info("dispatcher.stopped")


if __name__ == "__main__":
    run_service(start)
