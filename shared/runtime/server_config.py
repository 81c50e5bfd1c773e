"""The server's YAML file: workspaces, default time-outs, recovery."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.definition.amounts import Seconds
from shared.definition.compose_yaml import Unreadable
from shared.definition.libraries import NAME
from shared.definition.names import check_name
from shared.definition.read_part import read_maps, read_part
from shared.definition.read_yaml import read_yaml
from shared.definition.report import Place, Report
from shared.runtime.settings import SettingsRefused
from shared.runtime.sources import Source, check_keys, read_source

_LATER = {
    "auth": "anybody could do anything",
    "acl": "permissions would not hold",
    "retention": "jobs and workers are kept for ever",
    "git_auth": "git takes a name and password from the `url`, and ssh keys from its agent",
    "worker_token": "workers would not be checked",
    "log_storage": "logs lie in the database",
    "state_storage": "states lie in the database, the newest five of each",
    "artifact_storage": "steps have no artifacts",
    "mcp": "there is no MCP end point",
    "agents": "there are no agent actions",
    "metrics": "the metrics pages are set by HEADRACE_… variables",
    "listen": "addresses are set by HEADRACE_… variables",
    "db": "the database is set by HEADRACE_MONGO_URL",
}
"""Keys of the contract that this release does not obey, and why it would be wrong to go on."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Recovery(_Section):
    """When a silent worker counts as lost, and how often to look; seconds."""

    heartbeat_timeout_secs: int = Field(15, ge=10, le=86_400)
    sweep_interval_secs: int = Field(5, ge=1, le=3600)


class _Timeouts(_Section):
    default_step_timeout: Seconds | None = None
    default_job_timeout: Seconds | None = None


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What the server's YAML file says; without a file there are no workspaces."""

    workspaces: Mapping[str, Source] = field(default_factory=dict)
    libraries: Mapping[str, Source] = field(default_factory=dict)
    default_step_timeout: timedelta | None = None
    default_job_timeout: timedelta | None = None
    recovery: Recovery = field(default_factory=Recovery)


def load_server_config(path: Path) -> ServerConfig:
    """Read the file; a workspace's relative `path` starts at the file's folder.

    Raises:
        SettingsRefused: no such file, bad YAML, an unknown key, a value that does not fit, a part of the contract that
            this release does not obey; each with file, line and column.
    """
    try:
        document = read_yaml(path.read_bytes(), path.name)
    except OSError as error:
        raise SettingsRefused(f"{path} can't be read: {error.strerror}") from error
    except Unreadable as error:
        raise SettingsRefused(f"{path.name}:{error.spot[0]}:{error.spot[1]}: error: {error.message}") from error
    report = Report()
    place = Place(document)
    config = ServerConfig()
    if isinstance(document.data, dict):
        config = _read(report, place, path.resolve().parent)
    elif document.data is not None:
        report.error(place, "the configuration must be a map")
    if report.problems:
        raise SettingsRefused("; ".join(str(problem) for problem in report.problems))
    return config


def _read(report: Report, place: Place, folder: Path) -> ServerConfig:
    sections: dict[str, type[_Section]] = {"recovery": Recovery}
    check_keys(report, place, {"workspaces", "libraries", *sections, *_Timeouts.model_fields}, _LATER)
    timeouts = read_part(_Timeouts, place.data, report, place) or _Timeouts()
    read: dict[str, Any] = {key: _read_section(report, place, key, model) for key, model in sections.items()}
    return ServerConfig(
        workspaces=_read_sources(report, place, folder, "workspaces"),
        libraries=_read_sources(report, place, folder, "libraries"),
        default_step_timeout=_duration(timeouts.default_step_timeout),
        default_job_timeout=_duration(timeouts.default_job_timeout),
        **read,
    )


def _read_section(report: Report, place: Place, key: str, model: type[_Section]) -> Any:
    data = place.data.get(key)
    if data is None:
        return model()
    spot = place.down(key)
    if not isinstance(data, dict):
        report.error(spot, f"`{key}` must be a map")
        return model()
    check_keys(report, spot, set(model.model_fields), {})
    return read_part(model, data, report, spot) or model()


def _read_sources(report: Report, place: Place, folder: Path, section: str) -> dict[str, Source]:
    if section not in place.data:
        return {}
    found = {}
    for name, spot in read_maps(report, place.down(section), section).items():
        if section == "workspaces":
            check_name(report, spot, "workspace", name)
        elif not NAME.fullmatch(name):
            report.error(spot, f"the library's name '{name}' has a character beside letters, digits, _ and -")
        source = read_source(report, spot, folder)
        if source is not None:
            found[name] = source
    return found


def _duration(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
