"""Starts a worker."""

from services.worker.seclude import hide_environment
from services.worker.settings import WorkerSettings
from services.worker.strays import adopt_orphans
from services.worker.wiring import connect
from shared.runtime.lifecycle import Lifecycle, run_service, stop_on_signals
from shared.telemetry.logs import configure_logs


async def start() -> None:
    """Run until SIGTERM or SIGINT, then drain."""
    settings = WorkerSettings.load()
    configure_logs("worker", level=settings.log_level, style=settings.log_format)
    hide_environment()
    adopt_orphans()
    lifecycle = Lifecycle()
    stop_on_signals(lifecycle)
    worker = await connect(settings, lifecycle)
    await worker.run()


if __name__ == "__main__":
    run_service(start)
