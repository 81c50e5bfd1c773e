"""Builds what a worker needs to run containers."""

import hashlib
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog

from services.worker.artifacts import Artifacts
from services.worker.runners.docker import DockerRunner
from services.worker.runners.docker_ports import Engine, EngineFailed
from services.worker.runners.docker_request import Limits, Marks
from services.worker.runners.docker_sweep import DockerSweep
from services.worker.settings import WorkerSettings
from services.worker.state import States
from services.worker.workspace_cache import WorkspaceCache
from shared.runtime.clock import Clock
from shared.storage.ports import WorkerStore

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Containers:
    """The engine, which the worker closes, the runner, and the round that removes leftovers."""

    engine: Engine
    runner: DockerRunner
    sweep: DockerSweep


async def find_engine(settings: WorkerSettings) -> Engine | None:
    """The engine of the settings; None if none is wanted, or, with a warning, if it does not answer."""
    if not settings.worker_docker:
        return None
    from services.worker.runners.docker_engine import open_engine  # noqa: PLC0415 - others save its 20 MB

    try:
        return await open_engine(settings.worker_docker_url)
    except EngineFailed as failure:
        log.warning("docker.not_there", url=settings.worker_docker_url, error=str(failure))
        return None


def build_containers(
    settings: WorkerSettings,
    engine: Engine,
    workspaces: WorkspaceCache,
    workers: WorkerStore,
    clock: Clock,
    *,
    artifacts: Artifacts,
    states: States,
    worker_id: str,
) -> Containers:
    """Everything on one engine."""
    own_user = f"{os.getuid()}:{os.getgid()}" if os.getuid() else ""  # so that the worker can read what it leaves
    limits = Limits(
        memory_mb=settings.worker_runner_memory_mb,
        cpus=settings.worker_runner_cpus,
        pids=settings.worker_runner_pids,
        network=settings.worker_runner_network,
        user=settings.worker_runner_user or own_user,
        image=settings.worker_runner_image,
    )
    marks = Marks(system_of(settings), worker_id)
    runner = DockerRunner(engine, workspaces, limits, marks, artifacts, states)
    return Containers(engine, runner, DockerSweep(engine, workers, clock, marks, lambda: runner.running))


def system_of(settings: WorkerSettings) -> str:
    """The same for all workers of one database, another for those of another one; it tells no password."""
    hosts = urlsplit(settings.mongo_url.get_secret_value()).netloc.rpartition("@")[2]
    return hashlib.sha256(f"{hosts}/{settings.database}".encode()).hexdigest()[:16]
