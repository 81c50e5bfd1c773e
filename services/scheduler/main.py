"""Starts the scheduler: `python -m services.scheduler.main`."""

import structlog

from services.scheduler.settings import SchedulerSettings
from services.scheduler.wiring import build
from shared.orchestration.connect import connected
from shared.runtime.lifecycle import Lifecycle, run_service, stop_on_signals
from shared.telemetry.logs import configure_logs

log = structlog.get_logger()


async def start() -> None:
    """Read the settings, connect, work until SIGTERM or SIGINT."""
    settings = SchedulerSettings.load()
    configure_logs("scheduler", level=settings.log_level, style=settings.log_format)
    log.info("scheduler.starting", settings=settings.model_dump(mode="json"))
    lifecycle = Lifecycle()
    stop_on_signals(lifecycle)
    async with connected(settings, "scheduler", lifecycle) as (storage, broker):
        scheduler = build(settings, storage=storage, broker=broker, lifecycle=lifecycle)
        log.info("scheduler.serving")
        await scheduler.run()
    log.info("scheduler.stopped")


if __name__ == "__main__":
    run_service(start)
