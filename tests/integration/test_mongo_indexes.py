"""Every query of every store is served by a declared index, and every declared index serves a query."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from shared.engine.states import JobStatus, TimerKind
from shared.storage import ports
from shared.storage.artifact_port import ArtifactStore
from shared.storage.artifact_records import ArtifactRecord
from shared.storage.client import MongoStorage
from shared.storage.indexes import INDEXES
from shared.storage.records import (
    JobFilter,
    LogChunk,
    RevisionRecord,
    RunningStep,
    SnapshotRecord,
    StateScope,
    StoredJob,
    Timer,
    WorkerRecord,
    WorkspaceRecord,
)
from shared.storage.snapshot_port import SnapshotStore
from tests.support.storages import EVER, LONG, NOON, a_command, a_job, a_save, mongo_storage, running

STORES = {
    "jobs": ports.JobStore,
    "timers": ports.TimerStore,
    "workers": ports.WorkerStore,
    "workspaces": ports.WorkspaceStore,
    "fires": ports.FireStore,
    "logs": ports.LogStore,
    "partitions": ports.PartitionStore,
    "routes": ports.RouteStore,
    "idempotency": ports.IdempotencyStore,
    "artifacts": ArtifactStore,
    "snapshots": SnapshotStore,
}
OTHERS = {"insert", "getMore", "hello", "createIndexes", "endSessions", "ping"}
"""Commands that look nothing up."""


class Recorder(CommandListener):
    """Remembers the commands that were sent."""

    def __init__(self) -> None:
        self.commands: list[Mapping[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to remember."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to remember."""


class Noted:
    """A store that notes which of its methods were called."""

    def __init__(self, store: object, name: str, called: set[str]) -> None:
        self._store, self._name, self._called = store, name, called

    def __getattr__(self, method: str) -> Callable[..., Any]:
        self._called.add(f"{self._name}.{method}")
        found: Callable[..., Any] = getattr(self._store, method)
        return found


class NotedStorage:
    """All stores, noted."""

    def __init__(self, storage: MongoStorage) -> None:
        self.called: set[str] = set()
        for name in STORES:
            setattr(self, name, Noted(getattr(storage, name), name, self.called))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def storage(mongo_url: str, recorder: Recorder) -> AsyncIterator[MongoStorage]:
    async with mongo_storage(mongo_url, listeners=[recorder]) as storage:
        yield storage


async def use_jobs(stores: Any) -> None:
    jobs = [a_job(number) for number in range(3)]
    await stores.jobs.insert([StoredJob(job, (a_command(job),)) for job in jobs])
    saves = [a_save(job, a_command(job), steps=running(job, "one", "w1")) for job in jobs]
    await stores.jobs.save(saves[:1])
    await stores.jobs.save(saves[1:])
    await stores.jobs.save(saves)
    await stores.jobs.load([job.id for job in jobs])
    await stores.jobs.clear_outbox({jobs[0].id: [a_command(jobs[0]).id]})
    await stores.jobs.find_owing(EVER, 5)
    await stores.jobs.find_running_on("w1")
    await stores.jobs.find_waiting("demo", "order-7", 5)
    await stores.jobs.list_steps_of("w1", limit=5)
    await stores.jobs.count_by_status()
    for workspace in (None, "demo"):
        for task in (None, "work"):
            for status in (None, JobStatus.PENDING, JobStatus.FAILED):
                for source in (None, "api"):
                    wanted = JobFilter(workspace, task, status, source)
                    await stores.jobs.list_jobs(wanted, limit=2, offset=1)


async def use_timers_and_fires(stores: Any) -> None:
    await stores.timers.put([Timer(f"job/{number}", "job", TimerKind.JOB_TIMEOUT, NOON) for number in range(3)])
    await stores.timers.find_due(NOON, 5)
    await stores.timers.next_due_at()
    await stores.timers.remove(["job/1"])
    await stores.timers.find_of(["job"])
    await stores.fires.advance("demo/cron", NOON)
    await stores.fires.load_fired_until()
    await stores.fires.pause("demo/cron", NOON)
    await stores.fires.load_paused()
    await stores.fires.resume("demo/cron")
    await stores.routes.add("script")
    await stores.routes.list_routes()
    for _ in range(2):
        await stores.idempotency.claim("key", "digest", "job")


async def use_workers(stores: Any) -> None:
    in_hand = RunningStep("job", "one", 1)
    await stores.workers.beat(WorkerRecord("w1", "w1", (), (), False, 1, "1", running=(in_hand,)))
    await stores.workers.find_silent(EVER)
    await stores.workers.find_holders(in_hand, LONG)
    await stores.workers.list_workers(limit=1, offset=1)
    await stores.workers.load("w1")
    await stores.workers.mark_inactive("w1")
    for _ in range(2):
        await stores.partitions.check_count(8)
    await stores.partitions.beat("d1", timedelta(seconds=9))
    await stores.partitions.acquire("d1", 1, timedelta(seconds=9))
    await stores.partitions.owned("d1")
    await stores.partitions.release("d1", 1)
    await stores.partitions.leave("d1")


async def use_content(stores: Any) -> None:
    await stores.workspaces.put_revision(RevisionRecord("demo", "r1", {}), b"files")
    await stores.workspaces.set_current(WorkspaceRecord("demo", "r1"))
    await stores.workspaces.list_workspaces()
    await stores.workspaces.load_workspace("demo")
    await stores.workspaces.load_revision("demo", "r1")
    await stores.workspaces.load_archive("demo", "r1")
    await stores.workspaces.remove_others([])
    artifact = ArtifactRecord("job", "a", "one", 1, "content", "text/plain", 3, NOON)
    await stores.artifacts.put_part("content", 0, b"abc")
    await stores.artifacts.put(artifact)
    await stores.artifacts.list_of("job")
    await stores.artifacts.load("job", "a")
    await stores.artifacts.load_part("content", 0)
    await stores.artifacts.remove_parts([artifact])
    await stores.logs.append([LogChunk("job", "one", 1, first, ((NOON, "stdout", "x"),)) for first in range(3)])
    assert [chunk async for chunk in stores.logs.read("job")]
    assert [chunk async for chunk in stores.logs.read("job", step="one")]
    await stores.logs.read_range("job", "one", 1, first=1, limit=2)
    await stores.logs.count_lines("job")


async def use_snapshots(stores: Any) -> None:
    scope = StateScope("demo", "work")
    for number in range(1, 4):
        record = SnapshotRecord(f"s{number}", scope, number, {}, {}, 2_000_000, "job", None, NOON)
        await stores.snapshots.put(record, b"x" * 2_000_000, keep=2)
        await stores.snapshots.load_archive(record)
    await stores.snapshots.latest(scope)
    await stores.snapshots.list_snapshots(scope)


def look_ups(command: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The `find` commands that select what this command selects."""
    kind = next(iter(command))
    if kind in OTHERS:
        return
    if kind == "find":
        wanted = ("find", "filter", "sort", "limit", "skip", "hint", "projection")
        yield {name: command[name] for name in wanted if name in command}
    elif kind in ("update", "delete"):
        for one in command[f"{kind}s"]:
            yield {"find": command[kind], "filter": one["q"]}
    elif kind == "aggregate":
        match = command["pipeline"][0].get("$match", {})
        yield {"find": command["aggregate"], "filter": match} | {
            key: command[key] for key in ("hint",) if key in command
        }
    elif kind == "count":
        assert not command.get("query"), "only the number of all documents is known without a look"
    else:
        pytest.fail(f"an unforeseen command: {kind}")


def stages(plan: Any) -> Iterator[tuple[str, str | None]]:
    """Every stage of a plan with the index that it reads."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan["stage"], plan.get("indexName")
        for inner in plan.values():
            yield from stages(inner)
    elif isinstance(plan, list):
        for inner in plan:
            yield from stages(inner)


def is_by_id(look_up: Mapping[str, Any]) -> bool:
    """Whether it names the documents it wants: then every server goes by `_id`, whatever else it compares.

    The development server's `explain` (not its work: measured) says COLLSCAN where `_id` is not the only condition.
    """
    wanted = look_up["filter"].get("_id")
    return wanted is not None and (not isinstance(wanted, dict) or not any(key in ("$gt", "$lt") for key in wanted))


async def use_everything(storage: MongoStorage) -> None:
    stores = NotedStorage(storage)
    for use in (use_jobs, use_timers_and_fires, use_workers, use_content, use_snapshots):
        await use(stores)
    methods = {f"{name}.{method}" for name, port in STORES.items() for method in vars(port) if method[0] != "_"}
    assert stores.called == methods, "a new method of a store is used here too"


async def test_no_query_reads_a_whole_collection(storage: MongoStorage, recorder: Recorder) -> None:
    await use_everything(storage)
    await use_workers(storage)
    found = {str(look_up): look_up for command in recorder.commands for look_up in look_ups(command)}
    assert len(found) > 40
    used: set[tuple[str, str]] = set()
    scans = []
    for look_up in found.values():
        if is_by_id(look_up):
            continue
        plan = await storage._database.command({"explain": look_up, "verbosity": "queryPlanner"})
        seen = list(stages(plan["queryPlanner"]["winningPlan"]))
        used |= {(look_up["find"], index) for _, index in seen if index}
        scans += [look_up for stage, _ in seen if stage == "COLLSCAN"]
    assert scans == []
    idle = {index for index in INDEXES if (index.collection, index.name) not in used and index.expires_after is None}
    assert idle == set()


async def test_the_database_has_the_declared_indexes_and_no_others(storage: MongoStorage) -> None:
    await storage.create_indexes()
    for collection in {index.collection for index in INDEXES}:
        found = await storage._database[collection].index_information()
        declared = {index.name: list(index.fields) for index in INDEXES if index.collection == collection}
        shapes = {name: [tuple(field) for field in one["key"]] for name, one in found.items() if name != "_id_"}
        assert shapes == declared
        expiring = {name: one["expireAfterSeconds"] for name, one in found.items() if "expireAfterSeconds" in one}
        assert expiring == {
            index.name: index.expires_after.total_seconds()
            for index in INDEXES
            if index.collection == collection and index.expires_after
        }


def test_every_index_says_what_it_serves() -> None:
    assert len({(index.collection, index.name) for index in INDEXES}) == len(INDEXES)
    assert all(index.serves and index.fields for index in INDEXES)
