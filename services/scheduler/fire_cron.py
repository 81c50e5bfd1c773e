"""Starts jobs at the times that triggers name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from shared.definition.cron import next_fires
from shared.definition.models import TriggerDefinition
from shared.engine.identity import derive_id
from shared.errors import Rejected
from shared.orchestration.catalog import Catalog
from shared.orchestration.create_job import NewJob
from shared.orchestration.orchestrator import Orchestrator
from shared.runtime.clock import Clock
from shared.storage.ports import FireStore, WorkspaceStore
from shared.telemetry.metrics import TRIGGERS_FIRED

log = structlog.get_logger()

GRACE = timedelta(seconds=60)  # a fire missed by less (a restart) is made up for, an older one is not
LONGEST_WAIT = timedelta(seconds=1)  # a changed definition is seen this soon


@dataclass(frozen=True, slots=True)
class _Trigger:
    """A trigger as the current revision has it."""

    workspace: str
    name: str
    revision: str
    definition: TriggerDefinition

    @property
    def key(self) -> str:
        return f"{self.workspace}/{self.name}"


@dataclass(slots=True)
class _Plan:
    """When a trigger fires next; None: never again. `cron` and `timezone` are what that was worked out from."""

    cron: str
    timezone: str
    next_at: datetime | None


class FireCron:
    """Any number of schedulers may do it: a fire's job has an id made of its time, so that two make one."""

    def __init__(
        self,
        workspaces: WorkspaceStore,
        fires: FireStore,
        catalog: Catalog,
        orchestrator: Orchestrator,
        clock: Clock,
    ) -> None:
        self._workspaces = workspaces
        self._fires = fires
        self._catalog = catalog
        self._orchestrator = orchestrator
        self._clock = clock
        self._plans: dict[str, _Plan] = {}
        self._is_first_look = True

    async def look(self) -> timedelta:
        """Fire what is due by now, and answer how long there is nothing to do.

        Raises:
            Unavailable: the fire is tried again; its job is made once all the same.
        """
        triggers = await self._load_triggers()
        await self._make_plans(triggers)
        for key, trigger in triggers.items():
            await self._fire_due(trigger, self._plans[key])
        coming = [plan.next_at for plan in self._plans.values() if plan.next_at is not None]
        wait = min(coming) - self._clock.now() if coming else LONGEST_WAIT
        return max(min(wait, LONGEST_WAIT), timedelta())

    async def _load_triggers(self) -> dict[str, _Trigger]:
        """The enabled triggers of all workspaces."""
        found: dict[str, _Trigger] = {}
        for record in await self._workspaces.list_workspaces():
            if record.revision is None:
                continue
            loaded = await self._catalog.at(record.name, record.revision)
            for name, definition in loaded.definition.triggers.items():
                if definition.enabled:
                    trigger = _Trigger(record.name, name, record.revision, definition)
                    found[trigger.key] = trigger
        return found

    async def _make_plans(self, triggers: Mapping[str, _Trigger]) -> None:
        """Plan triggers that are new or were changed; forget those that are gone or disabled."""
        self._plans = {key: plan for key, plan in self._plans.items() if key in triggers}
        unplanned = [trigger for trigger in triggers.values() if not self._is_planned(trigger)]
        fired_until = await self._fires.load_fired_until() if unplanned and self._is_first_look else {}
        now = self._clock.now()
        for trigger in unplanned:
            since = fired_until.get(trigger.key)
            if since is None:
                since = now
                await self._fires.advance(trigger.key, now)
            self._plans[trigger.key] = self._plan(trigger, since, now)
        self._is_first_look = False

    def _is_planned(self, trigger: _Trigger) -> bool:
        plan, definition = self._plans.get(trigger.key), trigger.definition
        return plan is not None and (plan.cron, plan.timezone) == (definition.cron, definition.timezone)

    def _plan(self, trigger: _Trigger, since: datetime, now: datetime) -> _Plan:
        following = _next(trigger.definition, since)
        if following is not None and following < now - GRACE:
            log.warning("cron.missed", trigger=trigger.key, since=following.isoformat())
            following = _next(trigger.definition, now - GRACE)
        return _Plan(trigger.definition.cron, trigger.definition.timezone, following)

    async def _fire_due(self, trigger: _Trigger, plan: _Plan) -> None:
        if plan.next_at is not None and plan.next_at < self._clock.now() - GRACE:  # the process stood still
            plan.next_at = self._plan(trigger, plan.next_at, self._clock.now()).next_at
        while plan.next_at is not None and plan.next_at <= self._clock.now():
            await self._fire(trigger, plan.next_at)
            await self._fires.advance(trigger.key, plan.next_at)
            plan.next_at = _next(trigger.definition, plan.next_at)

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
            job, is_new = await self._orchestrator.create_once(new)
        except Rejected as error:
            log.warning("cron.refused", trigger=trigger.key, fire=at.isoformat(), error=error.message)
            return
        if is_new:
            TRIGGERS_FIRED.labels("scheduler").inc()
            late = self._clock.now() - at
            log.info("cron.fired", trigger=trigger.key, job_id=job.id, late_seconds=round(late.total_seconds(), 3))


def _next(definition: TriggerDefinition, after: datetime) -> datetime | None:
    """The first fire later than `after`. Definitions hold only cron texts that were checked."""
    found = next_fires(definition.cron, definition.timezone, after, 1)
    return found[0] if found else None
