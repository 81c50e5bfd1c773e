"""One process of the stack, as the supervisor and the health check see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

KEPT = ("name", "service", "group", "port", "probe", "url")


class Group(StrEnum):
    """What starts together; servers stop after everybody who uses them has stopped."""

    SERVERS = "servers"
    SERVICES = "services"


class Probe(StrEnum):
    """How a process is asked whether it is well."""

    AMQP = "amqp"
    MONGO = "mongo"
    HTTP = "http"


@dataclass(frozen=True)
class Program:
    """A process: how it starts, where it listens, how long its clean stop may take."""

    name: str
    service: str
    group: Group
    port: int
    probe: Probe
    url: str
    command: Sequence[str] = ()
    stop_within: timedelta = timedelta(0)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its name for supervisor."""
        return f"{self.group}:{self.name}"

    def to_json(self) -> dict[str, Any]:
        """What `status` must know while the stack is up; not how the process was started."""
        return {name: getattr(self, name) for name in KEPT} | {"stop_within_seconds": self.stop_within.total_seconds()}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """The other way."""
        return cls(
            name=kept["name"],
            service=kept["service"],
            group=Group(kept["group"]),
            port=kept["port"],
            probe=Probe(kept["probe"]),
            url=kept["url"],
            stop_within=timedelta(seconds=kept["stop_within_seconds"]),
        )
