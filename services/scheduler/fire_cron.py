"""Starts jobs at the times that triggers name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from services.scheduler.admit_fire import AdmitFire
from services.scheduler.plan_fires import GRACE, again, first_to_do, next_fire
from shared.definition.models import SchedulerTrigger
from shared.engine.identity import derive_id
from shared.errors import Rejected
from shared.orchestration.catalog import Catalog
from shared.orchestration.create_job import NewJob
from shared.orchestration.orchestrator import Orchestrator
from shared.runtime.clock import Clock
from shared.storage.ports import FireStore, JobStore, WorkspaceStore
from shared.telemetry.metrics import TRIGGERS_FIRED

log = structlog.get_logger()

LONGEST_WAIT = timedelta(seconds=1)  # a changed definition is seen this soon
NOTE_IDLE_EVERY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Trigger:
    """A trigger as the current revision has it."""

    workspace: str
    name: str
    revision: str
    definition: SchedulerTrigger

    @property
    def key(self) -> str:
        return f"{self.workspace}/{self.name}"


@dataclass(slots=True)
class _Plan:
    """When a trigger fires next; None: never again. `cron` and `timezone` are what that was worked out from."""

    cron: str
    timezone: str
    next_at: datetime | None


@dataclass(slots=True)
class _Found:
    """The triggers by key: those that fire, and those that are disabled or paused."""

    active: dict[str, _Trigger] = field(default_factory=dict)
    idle: dict[str, _Trigger] = field(default_factory=dict)


class FireCron:
    """Any number of schedulers may do it: a fire's job has an id made of its time, so that two make one."""

    def __init__(
        self,
        workspaces: WorkspaceStore,
        fires: FireStore,
        jobs: JobStore,
        catalog: Catalog,
        orchestrator: Orchestrator,
        clock: Clock,
    ) -> None:
        self._workspaces = workspaces
        self._fires = fires
        self._catalog = catalog
        self._admit = AdmitFire(jobs, orchestrator)
        self._clock = clock
        self._plans: dict[str, _Plan] = {}
        self._is_first_look = True
        self._idle_noted_at: datetime | None = None

    async def look(self) -> timedelta:
        """Fire what is due by now, and answer how long there is nothing to do.

        Raises:
            Unavailable: the fire is tried again; its job is made once all the same.
        """
        found = await self._load_triggers()
        await self._make_plans(found.active)
        await self._note_idle(found.idle)
        for key, trigger in found.active.items():
            await self._fire_due(trigger, self._plans[key])
        coming = [plan.next_at for plan in self._plans.values() if plan.next_at is not None]
        wait = min(coming) - self._clock.now() if coming else LONGEST_WAIT
        return max(min(wait, LONGEST_WAIT), timedelta())

    async def _load_triggers(self) -> _Found:
        found = _Found()
        paused = await self._fires.load_paused()
        for record in await self._workspaces.list_workspaces():
            if record.revision is None:
                continue
            loaded = await self._catalog.at(record.name, record.revision)
            for name, definition in loaded.definition.triggers.items():
                if isinstance(definition, SchedulerTrigger):
                    trigger = _Trigger(record.name, name, record.revision, definition)
                    is_active = definition.enabled and trigger.key not in paused
                    (found.active if is_active else found.idle)[trigger.key] = trigger
        return found

    async def _make_plans(self, triggers: Mapping[str, _Trigger]) -> None:
        """Plan triggers that are new or were changed; forget those that are gone or idle."""
        self._plans = {key: plan for key, plan in self._plans.items() if key in triggers}
        unplanned = [trigger for trigger in triggers.values() if not self._is_planned(trigger)]
        fired_until = await self._fires.load_fired_until() if unplanned and self._is_first_look else {}
        now = self._clock.now()
        for trigger in unplanned:
            since = fired_until.get(trigger.key)
            if since is None:
                since = now
                await self._fires.advance(trigger.key, now)
            definition = trigger.definition
            next_at = first_to_do(trigger.key, definition, since, now)
            self._plans[trigger.key] = _Plan(definition.cron, definition.timezone, next_at)
        self._is_first_look = False

    def _is_planned(self, trigger: _Trigger) -> bool:
        plan, definition = self._plans.get(trigger.key), trigger.definition
        return plan is not None and (plan.cron, plan.timezone) == (definition.cron, definition.timezone)

    async def _note_idle(self, triggers: Mapping[str, _Trigger]) -> None:
        """The times that pass while a trigger is idle are not missed: nobody catches up on them later."""
        now = self._clock.now()
        if self._idle_noted_at is not None and now - self._idle_noted_at < NOTE_IDLE_EVERY:
            return
        for key in triggers:
            await self._fires.advance(key, now)
        self._idle_noted_at = now

    async def _fire_due(self, trigger: _Trigger, plan: _Plan) -> None:
        now = self._clock.now()
        if plan.next_at is not None and plan.next_at < now - GRACE:  # the process stood still
            plan.next_at = again(trigger.key, trigger.definition, plan.next_at, now)
        while plan.next_at is not None and plan.next_at <= self._clock.now():
            await self._fire(trigger, plan.next_at)
            await self._fires.advance(trigger.key, plan.next_at)
            plan.next_at = next_fire(trigger.definition, plan.next_at)

    async def _fire(self, trigger: _Trigger, at: datetime) -> None:
        new = NewJob(
            workspace=trigger.workspace,
            task=trigger.definition.task,
            input=trigger.definition.input,
            source_type="trigger",
            source_id=trigger.key,
            job_id=derive_id(at, "fire", trigger.workspace, trigger.name, at.isoformat()),
            revision=trigger.revision,
        )
        try:
            job, is_new = await self._admit.start(new, trigger.definition.concurrency)
        except Rejected as error:
            log.warning("cron.refused", trigger=trigger.key, fire=at.isoformat(), error=error.message)
            return
        if is_new:
            TRIGGERS_FIRED.labels("scheduler").inc()
            late = round((self._clock.now() - at).total_seconds(), 3)
            log.info("cron.fired", trigger=trigger.key, job_id=job.id, status=job.status.value, late_seconds=late)
