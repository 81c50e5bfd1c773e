"""What the dispatcher can be told."""

from pydantic import Field

from shared.runtime.settings import Settings


class DispatcherSettings(Settings):
    """`HEADRACE_DISPATCHER_…` and what all services share."""

    dispatcher_probe_host: str = Field("127.0.0.1", description="Address of the health and metrics page.")
    dispatcher_probe_port: int = Field(0, ge=0, le=65535, description="Its port; 0 serves none.")
