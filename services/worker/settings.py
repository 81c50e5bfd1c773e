"""What a worker can be told."""

import socket
from pathlib import Path

from pydantic import Field, field_validator

from shared.runtime.settings import Settings


class WorkerSettings(Settings):
    """A worker's settings; `HEADRACE_WORKER_SLOTS` sets `worker_slots`, and so on."""

    worker_name: str = Field(
        default_factory=socket.gethostname, min_length=1, max_length=200, description="Shown name."
    )
    worker_slots: int = Field(4, ge=1, le=1000, description="Steps at the same time.")
    worker_tags: tuple[str, ...] = Field((), description='Extra abilities, as JSON: ["gpu", "eu"].')
    worker_exclusive: bool = Field(False, description="Run only steps that ask for every tag of this worker.")
    worker_secret_env_prefix: str = Field(
        "SECRET_", min_length=1, description="What variables begin with that workflows may have as secrets."
    )
    worker_secret_dir: Path | None = Field(None, description="Folder with files that workflows may have as secrets.")
    worker_secret_vals: bool = Field(False, description="Ask the `vals` program for the other secrets.")
    worker_http_allow: tuple[str, ...] = Field(
        (), description='Hosts and networks beside the public ones that http steps may reach, as JSON: ["10.1.0.0/16"].'
    )
    worker_function_blanks: int = Field(1, ge=0, le=100, description="Python processes that wait for a new workspace.")
    worker_function_calls: int = Field(
        1000, ge=1, le=1_000_000, description="Calls after which a function's process is replaced by a fresh one."
    )
    worker_docker: bool = Field(False, description="Run containers too, if the engine answers at the start.")
    worker_docker_url: str = Field(
        "unix:///var/run/docker.sock", description="Where the Docker engine is; it must see the worker's cache folder."
    )
    worker_runner_image: str = Field("", description="Image of scripts with `runner: docker` that name none.")
    worker_runner_memory_mb: int = Field(1024, ge=6, description="Memory of a container, at most, in MiB.")
    worker_runner_cpus: float = Field(1.0, gt=0, le=1024, description="Processors of a container, at most.")
    worker_runner_pids: int = Field(256, ge=8, description="Processes and threads of a container, at most.")
    worker_runner_network: str = Field(
        "bridge",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="The engine's network of containers; `none`: they reach nobody. Never the host's own.",
    )
    worker_runner_user: str = Field(
        "",
        pattern=r"^([0-9]+(:[0-9]+)?)?$",
        description="User and group of containers, `1000:1000`; else the worker's, and the image's if that is root.",
    )
    worker_cache_dir: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "headrace" / "worker",
        description="Where unpacked workspaces and working copies lie.",
    )
    worker_kept_revisions: int = Field(8, ge=1, le=1000, description="Unpacked workspace revisions kept.")
    worker_probe_port: int = Field(0, ge=0, le=65535, description="Port of /healthz and /metrics; 0: none.")
    worker_probe_host: str = Field("127.0.0.1", description="Address of /healthz and /metrics.")
    worker_drain_seconds: float = Field(
        30, ge=0, le=86_400, description="How long running steps may finish on SIGTERM."
    )
    worker_heartbeat_seconds: float = Field(5, gt=0, le=60, description="Between two signs of life; three lost: gone.")
    worker_hold_seconds: float = Field(
        300, gt=0, le=1500, description="How long a step's delivery is held; the broker's own limit is 1,800."
    )

    @field_validator("worker_runner_network")
    @classmethod
    def _network_is_not_the_hosts(cls, network: str) -> str:
        if network == "host":
            raise ValueError("containers never get the host's own network")
        return network

    @field_validator("worker_tags")
    @classmethod
    def _tags_are_words(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        for tag in tags:
            if not tag or "+" in tag or tag != tag.strip():
                raise ValueError(f"{tag!r} is not a tag: no `+`, no blank edges")
        return tuple(sorted(set(tags)))
