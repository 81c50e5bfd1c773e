"""Settings from the environment, each with a description and a unit; a misspelt variable stops the start."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICES = ("API", "SCHEDULER", "DISPATCHER", "WORKER")
LAUNCHER_NAMES = frozenset(
    {"HEADRACE_HOME", "HEADRACE_WORKERS", "HEADRACE_APIS", "HEADRACE_DISPATCHERS", "HEADRACE_SCHEDULERS"}
)
"""Read by the local stack's launcher, known to everybody."""


class SettingsRefused(Exception):  # noqa: N818 - the broken fact
    """The environment does not make sense; the text names each variable."""


class Settings(BaseSettings):
    """What every service needs; `HEADRACE_RABBITMQ_URL` sets `rabbitmq_url`, and so on."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_", frozen=True, extra="forbid")

    rabbitmq_url: SecretStr = Field(SecretStr("amqp://guest:guest@127.0.0.1:5672/"), description="Where the broker is.")
    mongo_url: SecretStr = Field(SecretStr("mongodb://127.0.0.1:27017/"), description="Where the database is.")
    database: str = Field("headrace", pattern=r"^[A-Za-z0-9_-]{1,38}$", description="Name of the database.")
    partitions: int = Field(8, ge=1, le=256, description="Event partitions; the same for all services, for ever.")
    config: Path | None = Field(None, description="The server's YAML file: workspaces, default time-outs.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least severe log entry shown.")
    log_format: str = Field("json", pattern="^(json|text)$", description="How the service's own log is written.")

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the settings once, at start.

        A service reads `HEADRACE_<NAME>` for common settings and `HEADRACE_<SERVICE>_<NAME>` for its own.

        Raises:
            SettingsRefused: an unknown `HEADRACE_…` variable, or a value that does not fit; secrets are not repeated.
        """
        known = {f"HEADRACE_{name}".upper() for name in cls.model_fields} | LAUNCHER_NAMES
        own = f"HEADRACE_{cls.service()}_"
        others = tuple(f"HEADRACE_{name}_" for name in (*SERVICES, "TEST") if f"HEADRACE_{name}_" != own)
        unknown = [
            name
            for name in environ
            if name.startswith("HEADRACE_") and name not in known and not name.startswith(others)
        ]
        if unknown:
            raise SettingsRefused(f"unknown setting {', '.join(sorted(unknown))}")
        try:
            return cls()
        except ValidationError as error:
            told = [
                f"HEADRACE_{'_'.join(str(part) for part in one['loc'])}".upper() + f": {one['msg']}"
                for one in error.errors(include_input=False, include_url=False)
            ]
            raise SettingsRefused("; ".join(told)) from None

    @classmethod
    def service(cls) -> str:
        """The service's part of its variables' names: the class name without `Settings`, upper case."""
        return cls.__name__.removesuffix("Settings").upper() or "COMMON"
