"""Brings new jobs into being: validated, decided and kept in one step."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from uuid_utils import uuid7

from shared.definition.connections import connections_for
from shared.definition.inputs import resolve_input
from shared.engine.commands import StartHook
from shared.engine.create import new_job
from shared.engine.decision import Renderer
from shared.engine.events import JobCreated
from shared.engine.job import Job
from shared.engine.states import JobStatus
from shared.errors import Rejected, StoreUnavailable
from shared.messages.translate import whole_millis
from shared.orchestration.announce import announcements
from shared.orchestration.catalog import Catalog, LoadedRevision
from shared.orchestration.coalesce import Coalescer
from shared.orchestration.decide_events import plan_events
from shared.orchestration.relay import Relay
from shared.orchestration.told import tell_created, tell_saved
from shared.runtime.clock import Clock
from shared.storage.ports import JobStore
from shared.storage.records import StoredJob

MOST_JOBS_A_ROUND = 200  # jobs in one insert: some 2 MB


@dataclass(frozen=True, slots=True)
class NewJob:
    """A wish for a job.

    `job_id` is given where a repeat must not make a second one; `revision` None: the current one. `automatic` are the
    inputs that come with the kind of source: the task need not declare them.
    """

    workspace: str
    task: str
    input: Mapping[str, Any]
    source_type: str
    source_id: str | None = None
    job_id: str | None = None
    revision: str | None = None
    automatic: frozenset[str] = frozenset()
    source_job_id: str | None = None


class JobCreator:
    """Concurrent creations share one insert."""

    def __init__(self, jobs: JobStore, catalog: Catalog, renderer: Renderer, clock: Clock, relay: Relay) -> None:
        self._jobs = jobs
        self._catalog = catalog
        self._renderer = renderer
        self._clock = clock
        self._relay = relay
        self._insert = Coalescer[StoredJob, bool](jobs.insert, limit=MOST_JOBS_A_ROUND)

    async def create(self, new: NewJob) -> tuple[Job, bool]:
        """The job, and whether it is new; a job with this id that exists is answered as it is stored.

        Raises:
            NotFound, InvalidInput, StoreUnavailable: as `Orchestrator.create`.
        """
        try:
            job = await self._prepare(new)
        except Rejected:
            stored = await self._find(new.job_id)  # made before the workspace changed
            if stored is None:
                raise
            return stored, False
        return await self.keep(job)

    async def create_skipped(self, new: NewJob, reason: str) -> tuple[Job, bool]:
        """A job that never runs, kept to show that it was left out; and whether it is new. Raises as `create`."""
        job = await self._prepare(new)
        skipped = replace(
            job,
            status=JobStatus.SKIPPED,
            reason=reason,
            steps={},
            open_steps=0,
            are_hooks_fired=True,
            finished_at=job.created_at,
        )
        return await self._insert_new(StoredJob(skipped))

    async def create_hook(self, parent: Job, command: StartHook) -> tuple[Job, bool]:
        """The hook's job, and whether it is new; it has no hooks itself.

        Raises:
            NotFound, InvalidInput, StoreUnavailable: as `create`.
        """
        loaded = await self._catalog.at(parent.workspace, parent.revision)
        task, flow = loaded.hook_flow_of(command.hook)
        declared = loaded.definition.tasks[task].input if task in loaded.definition.tasks else {}
        is_task = command.hook.action.type == "task"
        connections = connections_for(loaded.definition, declared)
        given = (dict(command.input), ())
        resolved, warnings = resolve_input(declared, command.input, connections) if is_task else given
        job = new_job(
            id=command.job_id,
            workspace=parent.workspace,
            task=task,
            revision=parent.revision,
            flow=flow,
            input=resolved,
            raw_input=dict(command.input),
            source_type="hook",
            source_id=parent.id,
            created_at=whole_millis(self._clock.now()),
            warnings=warnings,
        )
        return await self.keep(job)

    async def _prepare(self, new: NewJob) -> Job:
        loaded = await self._load(new)
        flow = loaded.flow_of(new.task)
        declared = loaded.definition.tasks[new.task].input
        extra = {name: value for name, value in new.input.items() if name in new.automatic and name not in declared}
        told = {name: value for name, value in new.input.items() if name not in extra}
        resolved, warnings = resolve_input(declared, told, connections_for(loaded.definition, declared))
        job = new_job(
            id=new.job_id or str(uuid7()),
            workspace=new.workspace,
            task=new.task,
            revision=loaded.revision,
            flow=flow,
            input=extra | resolved,
            raw_input=dict(new.input),
            source_type=new.source_type,
            created_at=whole_millis(self._clock.now()),
            source_id=new.source_id,
            warnings=warnings,
        )
        return replace(job, source_job_id=new.source_job_id)

    async def _load(self, new: NewJob) -> LoadedRevision:
        if new.revision is not None:
            return await self._catalog.at(new.workspace, new.revision)
        return await self._catalog.current(new.workspace)

    async def keep(self, job: Job) -> tuple[Job, bool]:
        """Set a new job going and insert it with what it owes; the job as it is stored, and whether it is new.

        Raises:
            StoreUnavailable: unknown whether it was kept; the same job can be kept again.
        """
        plan = plan_events(StoredJob(job), [JobCreated(job.created_at)], self._renderer, frozenset())
        return await self._insert_new(plan.result)

    async def _insert_new(self, stored: StoredJob) -> tuple[Job, bool]:
        job = stored.job
        (is_new,) = await self._insert.ask([stored])
        if not is_new:
            found = await self._find(job.id)
            if found is None:
                raise StoreUnavailable(f"job {job.id} exists and can't be read")
            return found, False
        tell_created(job)
        tell_saved(None, job)
        self._relay.hand(job, stored.outbox, announcements(None, job, self._clock.now()))
        return job, True

    async def _find(self, job_id: str | None) -> Job | None:
        found = await self._jobs.load([job_id]) if job_id is not None else {}
        return found[job_id].job if job_id in found else None
