"""What the scheduler can be told."""

from pathlib import Path

from pydantic import Field

from shared.runtime.settings import Settings


class SchedulerSettings(Settings):
    """`HEADRACE_SCHEDULER_…` and what all services share."""

    scheduler_probe_host: str = Field("127.0.0.1", description="Address of the health and metrics page.")
    scheduler_probe_port: int = Field(0, ge=0, le=65535, description="Its port; 0 serves none.")
    scheduler_data_dir: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "headrace" / "scheduler",
        description="Where copies of git repositories lie; several schedulers may share it.",
    )
