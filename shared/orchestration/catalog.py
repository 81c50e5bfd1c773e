"""The read side of workspaces: definitions and compiled flows by revision."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.definition.compile import compile_flow, compile_hook_flow
from shared.definition.models import WorkspaceDefinition
from shared.definition.problems import Problem
from shared.engine.flow import Flow, Hook
from shared.errors import NotFound
from shared.runtime.clock import Clock
from shared.storage.ports import WorkspaceStore

FRESH_FOR = timedelta(seconds=1)  # how long a new revision may go unnoticed when its announcement was lost
REVISIONS_KEPT = 64  # a definition of a hundred tasks is some 1 MB


@dataclass(frozen=True, slots=True)
class Timeouts:
    """What counts where a workspace names no time-out."""

    step: timedelta | None = None
    job: timedelta | None = None


@dataclass(frozen=True, slots=True)
class LoadedRevision:
    """A workspace as it was at one revision; never changes."""

    workspace: str
    revision: str
    definition: WorkspaceDefinition
    problems: tuple[Problem, ...] = ()
    timeouts: Timeouts = Timeouts()
    _flows: dict[str, Flow] = field(default_factory=dict, compare=False, repr=False)

    def flow_of(self, task: str) -> Flow:
        """What a job of this task is made of; compiled once.

        Raises:
            NotFound: there is no such task.
            InvalidInput: the task has errors; the text names each.
        """
        if task not in self.definition.tasks:
            raise NotFound("Task not found")
        if task not in self._flows:
            self._flows[task] = compile_flow(
                self.definition,
                task,
                default_step_timeout=self.timeouts.step,
                default_job_timeout=self.timeouts.job,
            )
        return self._flows[task]

    def hook_flow_of(self, hook: Hook) -> tuple[str, Flow]:
        """The task name of a hook's job, and what it is made of.

        Raises:
            NotFound, InvalidInput: as `flow_of`, for a hook that starts a task.
        """
        return compile_hook_flow(
            self.definition, hook, default_step_timeout=self.timeouts.step, default_job_timeout=self.timeouts.job
        )


class Catalog:
    """Workspaces from the database, remembered: current revisions for a second, revisions for good."""

    def __init__(
        self,
        workspaces: WorkspaceStore,
        *,
        default_step_timeout: timedelta | None = None,
        default_job_timeout: timedelta | None = None,
        clock: Clock,
    ) -> None:
        self._workspaces = workspaces
        self._timeouts = Timeouts(default_step_timeout, default_job_timeout)
        self._clock = clock
        self._current: dict[str, tuple[datetime, LoadedRevision]] = {}
        self._revisions: OrderedDict[tuple[str, str], LoadedRevision] = OrderedDict()
        self._turns: dict[str, asyncio.Lock] = {}

    async def current(self, workspace: str) -> LoadedRevision:
        """The workspace as new jobs see it.

        Raises:
            NotFound: there is no such workspace, or none of its revisions could be loaded.
        """
        if (found := self._fresh(workspace)) is not None:
            return found
        async with self._turns.setdefault(workspace, asyncio.Lock()):  # one reads, the others wait for it
            if (found := self._fresh(workspace)) is not None:
                return found
            try:
                return await self._read(workspace)
            except NotFound:
                self._turns.pop(workspace, None)
                raise

    async def at(self, workspace: str, revision: str) -> LoadedRevision:
        """The workspace as it was at a revision.

        Raises:
            NotFound: that revision is not known.
        """
        key = workspace, revision
        if key in self._revisions:
            self._revisions.move_to_end(key)
            return self._revisions[key]
        record = await self._workspaces.load_revision(workspace, revision)
        if record is None:
            raise NotFound(f"Revision '{revision}' of workspace '{workspace}' not found")
        definition = await asyncio.to_thread(WorkspaceDefinition.model_validate, dict(record.definition))
        problems = tuple(Problem.from_json(kept) for kept in record.problems)
        loaded = LoadedRevision(workspace, revision, definition, problems, self._timeouts)
        self._revisions[key] = loaded
        while len(self._revisions) > REVISIONS_KEPT:
            self._revisions.popitem(last=False)
        return loaded

    def forget(self, workspace: str) -> None:
        """Look at the workspace's current revision anew: it has changed."""
        self._current.pop(workspace, None)

    def _fresh(self, workspace: str) -> LoadedRevision | None:
        read_at, loaded = self._current.get(workspace, (None, None))
        return loaded if read_at is not None and self._clock.now() - read_at < FRESH_FOR else None

    async def _read(self, workspace: str) -> LoadedRevision:
        read_at = self._clock.now()
        record = await self._workspaces.load_workspace(workspace)
        if record is None:
            self.forget(workspace)
            raise NotFound(f"Workspace '{workspace}' not found")
        if record.revision is None:
            raise NotFound(f"Workspace '{workspace}' could not be loaded: {record.error}")
        loaded = await self.at(workspace, record.revision)
        self._current[workspace] = (read_at, loaded)
        return loaded
