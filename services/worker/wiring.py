"""Builds a worker from its parts."""

from dataclasses import replace
from datetime import timedelta

from uuid_utils import uuid7

from services.worker.artifacts import Artifacts
from services.worker.attempts import Attempts
from services.worker.cache_folder import CacheFolder
from services.worker.functions.pool import FunctionPool
from services.worker.handle_step import StepHandler
from services.worker.hear_control import ControlHearer
from services.worker.heartbeat import Heartbeat
from services.worker.look_up import LookUp
from services.worker.open_secrets import SecretOpener
from services.worker.process_group import ProcessGroups
from services.worker.resolve_secrets import SecretSources
from services.worker.routes import DOCKER, FUNCTION, HTTP, SCRIPT, Coverage
from services.worker.run_step import StepRun
from services.worker.runners.addresses import AddressBook
from services.worker.runners.by_runner import ByRunner
from services.worker.runners.docker_ports import Engine
from services.worker.runners.function import FunctionRunner
from services.worker.runners.http import HttpRunner
from services.worker.runners.packages import Packages
from services.worker.runners.runner import Runner
from services.worker.runners.script import ScriptRunner
from services.worker.settings import WorkerSettings
from services.worker.slots import Slots
from services.worker.state import States
from services.worker.take_steps import StepTaker
from services.worker.wire_docker import build_containers, find_engine
from services.worker.worker import Worker
from services.worker.workspace_cache import WorkspaceCache
from shared.broker import rabbit
from shared.broker.ports import Broker
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.lifecycle import Lifecycle
from shared.runtime.version import VERSION
from shared.storage import client
from shared.storage.ports import Storage
from shared.storage.records import WorkerRecord


async def connect(settings: WorkerSettings, lifecycle: Lifecycle) -> Worker:
    """A worker on the real broker and database.

    Raises:
        Unavailable: one of them is not there.
        Broken: they belong to other settings.
    """
    storage = await client.connect(settings.mongo_url.get_secret_value(), settings.database)
    try:
        await storage.partitions.check_count(settings.partitions)
        broker = await rabbit.connect(
            settings.rabbitmq_url.get_secret_value(),
            name=f"worker {settings.worker_name}",
            partitions=settings.partitions,
        )
    except BaseException:
        await storage.close()
        raise
    engine = await find_engine(settings)
    return replace(build(settings, lifecycle, broker=broker, storage=storage, engine=engine), is_alone=True)


def build(
    settings: WorkerSettings,
    lifecycle: Lifecycle,
    *,
    broker: Broker,
    storage: Storage,
    engine: Engine | None = None,
    clock: Clock | None = None,
) -> Worker:
    """A worker on any broker, storage and container engine; it owns and closes them."""
    clock = clock or SystemClock()
    worker_id = str(uuid7())
    heartbeat_every = timedelta(seconds=settings.worker_heartbeat_seconds)
    abilities = (SCRIPT, FUNCTION, HTTP, *((DOCKER,) if engine else ()))
    coverage = Coverage(abilities, settings.worker_tags, is_exclusive=settings.worker_exclusive)
    record = WorkerRecord(
        id=worker_id,
        name=settings.worker_name,
        abilities=coverage.abilities,
        tags=coverage.tags,
        is_exclusive=coverage.is_exclusive,
        slots=settings.worker_slots,
        version=VERSION,
    )
    attempts, processes, slots = Attempts(), ProcessGroups(worker_id), Slots(settings.worker_slots)
    workspaces = WorkspaceCache(
        storage.workspaces,
        CacheFolder(settings.worker_cache_dir, worker_id),
        keep=max(settings.worker_kept_revisions, settings.worker_slots),
        spares=settings.worker_slots,
    )
    packages = Packages(settings.worker_cache_dir)
    functions = FunctionPool(
        workspaces,
        processes,
        keep=settings.worker_slots,
        blanks=settings.worker_function_blanks,
        most_calls=settings.worker_function_calls,
    )
    states, artifacts = States(storage.snapshots, clock), Artifacts(storage.artifacts, clock)
    runners: dict[str, Runner] = {
        SCRIPT: ScriptRunner(workspaces, processes, packages, artifacts, states),
        FUNCTION: FunctionRunner(functions, processes, packages),
        HTTP: HttpRunner(AddressBook(settings.worker_http_allow)),
    }
    secrets = SecretOpener(
        SecretSources(
            settings.worker_secret_env_prefix, settings.worker_secret_dir, has_vals=settings.worker_secret_vals
        )
    )
    containers = None
    if engine is not None:
        containers = build_containers(
            settings,
            engine,
            workspaces,
            storage.workers,
            clock,
            artifacts=artifacts,
            states=states,
            worker_id=worker_id,
        )
        runners[SCRIPT] = ByRunner({"local": runners[SCRIPT], "docker": containers.runner})
        runners[DOCKER] = containers.runner
    step_run = StepRun(broker, clock, runners, secrets, worker_id=worker_id, partitions=settings.partitions)
    look_up = LookUp(storage.jobs, storage.workers, clock, heartbeat_every)
    handler = StepHandler(attempts, look_up, step_run, clock)
    hold = timedelta(seconds=settings.worker_hold_seconds)
    taker = StepTaker(coverage, broker, slots, handler.handle, hold=hold, lifecycle=lifecycle)
    return Worker(
        id=worker_id,
        settings=settings,
        lifecycle=lifecycle,
        clock=clock,
        broker=broker,
        storage=storage,
        attempts=attempts,
        processes=processes,
        workspaces=workspaces,
        functions=functions,
        containers=containers,
        heartbeat=Heartbeat(record, attempts, storage.workers, broker, heartbeat_every),
        control=ControlHearer(worker_id, broker, attempts, taker),
        taker=taker,
    )
