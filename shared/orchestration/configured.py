"""The parts of orchestration that the server's YAML file has a say in."""

from shared.orchestration.catalog import Catalog
from shared.runtime.clock import Clock
from shared.runtime.server_config import ServerConfig, load_server_config
from shared.runtime.settings import Settings
from shared.storage.ports import WorkspaceStore


def read_config(settings: Settings) -> ServerConfig:
    """The file that `HEADRACE_CONFIG` names, or an empty one.

    Raises:
        SettingsRefused: as `load_server_config`.
    """
    return load_server_config(settings.config) if settings.config is not None else ServerConfig()


def build_catalog(workspaces: WorkspaceStore, config: ServerConfig, clock: Clock) -> Catalog:
    """The catalog, with the time-outs of tasks and steps that name none."""
    return Catalog(
        workspaces,
        default_step_timeout=config.default_step_timeout,
        default_job_timeout=config.default_job_timeout,
        clock=clock,
    )
