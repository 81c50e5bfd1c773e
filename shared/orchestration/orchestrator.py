"""Joins engine, storage and broker: load, decide, save, hand on."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.broker.ports import Broker
from shared.engine.control_run import refuse_retry, retry_job
from shared.engine.decision import InputRefusal, Renderer
from shared.engine.events import Event, JobCancelRequested
from shared.engine.job import Job
from shared.errors import Conflict, InvalidInput, NotFound, Unavailable
from shared.messages.translate import whole_millis
from shared.orchestration.act_on_jobs import ActOnJobs
from shared.orchestration.announce import announcements
from shared.orchestration.carried_out import CarriedOut
from shared.orchestration.carry_out import CarryOut, Owed
from shared.orchestration.catalog import Catalog
from shared.orchestration.coalesce import Coalescer
from shared.orchestration.create_job import JobCreator, NewJob
from shared.orchestration.decide_events import Plan, plan_events
from shared.orchestration.recent_jobs import RecentJobs
from shared.orchestration.relay import Relay
from shared.orchestration.request import MakeEvent
from shared.orchestration.retry_job import RetryStarter
from shared.orchestration.routes import Routes
from shared.orchestration.start_child import ChildStarter
from shared.orchestration.start_hook import HookStarter
from shared.orchestration.tidy import Tidy
from shared.orchestration.told import tell_contended, tell_events, tell_saved, tell_unknown
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Lifecycle
from shared.storage.ports import Storage
from shared.storage.records import JobSave, StoredJob

READ_TOGETHER = 200  # jobs in one read
SAVED_TOGETHER = 50  # jobs in one write: more gain nothing, and the write must end well within its deadline
Waiting = Mapping[str, Sequence[Event]]


@dataclass(frozen=True, slots=True)
class _Found:
    """A job to decide on; `is_recent`: from memory, so that somebody may have saved since."""

    stored: StoredJob
    is_recent: bool


class Orchestrator:
    """What services change jobs through; one for each process."""

    def __init__(
        self, storage: Storage, broker: Broker, catalog: Catalog, renderer: Renderer, clock: Clock, *, partitions: int
    ) -> None:
        self.partitions = partitions
        self._storage = storage
        self._renderer = renderer
        self._clock = clock
        self._recent = RecentJobs()
        self._done = CarriedOut()
        self._load = Coalescer[str, StoredJob | None](self._load_jobs, limit=READ_TOGETHER)
        self._save = Coalescer[JobSave, bool](storage.jobs.save, limit=SAVED_TOGETHER)
        self._tidy = Tidy(storage, self._done, self._recent, clock)
        self.carry_out = CarryOut(
            broker, storage.timers, Routes(broker, storage.routes, clock), clock, partitions=partitions
        )
        self._relay = Relay(self.carry_out, self.act, self._done, clock)
        self._creator = JobCreator(storage.jobs, catalog, renderer, clock, self._relay)
        self._act = ActOnJobs(
            HookStarter(self._creator, broker, clock),
            ChildStarter(self._creator, catalog, storage.jobs, broker, clock, self.cancel, partitions=partitions),
            RetryStarter(self._creator, clock),
            self.cancel,
        )

    async def create(self, new: NewJob) -> Job:
        """Keep a new job and hand on its first steps; returns once the job is in the database.

        Raises:
            NotFound: no such workspace, revision or task.
            InvalidInput: the task has errors, or the input does not fit it.
            StoreUnavailable: unknown whether it was kept; with `new.job_id` it can be repeated.
        Repeats: a job with the same `job_id` is answered as it is stored, nothing is changed.
        """
        return (await self.create_once(new))[0]

    async def create_once(self, new: NewJob) -> tuple[Job, bool]:
        """As `create`; answers also whether this call made the job."""
        self._tidy.note_saved()
        return await self._creator.create(new)

    async def create_skipped(self, new: NewJob, reason: str) -> tuple[Job, bool]:
        """Keep a job that never runs; answers it and whether this call made it. Raises and repeats as `create`."""
        return await self._creator.create_skipped(new, reason)

    async def act(self, owed: Owed) -> bool:
        """Carry out a command that starts or ends another job; whether it is done. Repeats: harmless."""
        return await self._act.act(owed)

    async def cancel(self, job_id: str, by: str) -> Job:
        """End the job now; answers it as saved, its running steps end when their workers say so.

        Raises:
            NotFound: there is no such job.
            Conflict: it has ended already.
        """

        def make_event(job: Job, at: datetime) -> JobCancelRequested:
            if job.status.is_terminal:
                raise Conflict("Job is already in a terminal state")
            return JobCancelRequested(at, by)

        return await self.request(job_id, make_event)

    async def request(self, job_id: str, make_event: MakeEvent) -> Job:
        """Do what somebody asks of the job; answers it as saved, or as it is if it is so already.

        Raises:
            NotFound: there is no such job.
            Conflict: its state does not allow that; the text says why.
            InvalidInput: it allows it, but not so, or not to them.
            Rejected: whatever `make_event` says.
        """
        while True:
            stored = await self._find_one(job_id)
            event = make_event(stored.job, whole_millis(self._clock.now()))
            plan = plan_events(stored, [event], self._renderer, self._done.of(job_id))
            if plan.refused:
                told = plan.refused[0]
                raise InvalidInput(told) if isinstance(told, InputRefusal) else Conflict(told)
            if (await self._save_all([plan]))[0]:
                self._settle(plan, is_recent=True)
                self._recent.forget(job_id)
                return plan.result.job
            tell_contended()

    async def retry(self, job_id: str, new_id: str) -> Job:
        """Take up the work of a job that has ended as a new job; answers that one.

        Raises:
            NotFound: there is no such job.
            Conflict: it has not ended.
        Repeats: with the same `new_id`, the job that was made first.
        """
        old = await self.check_retry(job_id)
        self._tidy.note_saved()
        return (await self._creator.keep(retry_job(old, id=new_id, created_at=whole_millis(self._clock.now()))))[0]

    async def check_retry(self, job_id: str) -> Job:
        """The job, once it is seen that it can be retried; raises as `retry`."""
        old = (await self._find_one(job_id)).job
        refused = refuse_retry(old)
        if refused is not None:
            raise Conflict(refused)
        return old

    async def apply(self, events: Waiting) -> None:
        """Take note of what happened to jobs, by job id and in order; returns once all of it is in the database.

        Jobs that do not exist are counted and passed over.

        Raises:
            Unavailable: unknown what was saved; apply all again.
            Broken: the engine can't decide one of the events; nothing was saved.
        Repeats: the engine ignores events that it knows (idempotency table: engine event).
        """
        while events:
            events = await self._apply_round(events)

    async def run(self, lifecycle: Lifecycle) -> None:
        """Send what saved jobs owe and tidy up; ends after the stop signal, when all that is in hand is sent (10 s)."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._relay.run(lifecycle), name="relay")
            tasks.create_task(self._tidy.run(lifecycle), name="tidy")

    async def drain(self) -> None:
        """Send what came in hand after `run` had ended, and clear it away, so far as that is possible now."""
        await self._relay.drain()

    async def _apply_round(self, events: Waiting) -> dict[str, Sequence[Event]]:
        """Apply the events once; answers those whose jobs must be read (anew) and decided again."""
        found = await self._find(list(events))
        again: dict[str, Sequence[Event]] = {}
        plans: list[tuple[Plan, _Found]] = []
        for job_id, job_events in events.items():
            if job_id not in found:
                tell_unknown(job_id, job_events)
                continue
            plan = plan_events(found[job_id].stored, job_events, self._renderer, self._done.of(job_id))
            if plan.ignored and found[job_id].is_recent:
                self._recent.forget(job_id)  # what memory calls old may be new: only the database can tell
                again[job_id] = job_events
            else:
                plans.append((plan, found[job_id]))
        kept = await self._save_all([plan for plan, _ in plans])
        for (plan, origin), is_kept in zip(plans, kept, strict=True):
            job_id = plan.stored.job.id
            if is_kept:
                tell_events(events[job_id], plan.ignored)
                self._settle(plan, is_recent=origin.is_recent)
            else:
                tell_contended()
                self._recent.forget(job_id)
                again[job_id] = events[job_id]
        return again

    async def _find_one(self, job_id: str) -> StoredJob:
        stored = (await self._load.ask([job_id]))[0]
        if stored is None:
            raise NotFound("Job not found")
        return stored

    async def _find(self, job_ids: Sequence[str]) -> dict[str, _Found]:
        found = {job_id: _Found(stored, is_recent=True) for job_id in job_ids if (stored := self._recent.find(job_id))}
        unread = [job_id for job_id in job_ids if job_id not in found]
        if unread:
            for job_id, read in zip(unread, await self._load.ask(unread), strict=True):
                if read is not None:
                    found[job_id] = _Found(read, is_recent=False)
        return found

    async def _load_jobs(self, job_ids: list[str]) -> list[StoredJob | None]:
        jobs = await self._storage.jobs.load(list(dict.fromkeys(job_ids)))
        return [jobs.get(job_id) for job_id in job_ids]

    async def _save_all(self, plans: Sequence[Plan]) -> list[bool]:
        """Whether each is kept; a plan with nothing to save is."""
        saves = [plan.save for plan in plans if plan.save is not None]
        if not saves:
            return [True] * len(plans)
        try:
            answers = iter(await self._save.ask(saves))
        except (Unavailable, asyncio.CancelledError):
            for save in saves:
                self._recent.forget(save.job.id)
            raise
        return [plan.save is None or next(answers) for plan in plans]

    def _settle(self, plan: Plan, *, is_recent: bool) -> None:
        """What follows from a save that was kept."""
        now = self._clock.now()
        before, after = plan.stored.job, plan.result.job
        stranded = () if is_recent else plan.stranded(now)
        if stranded:
            self._relay.hand(after, stranded, is_repeat=True)
        if plan.save is None:
            return
        self._tidy.note_saved()
        self._recent.keep(plan.result)
        self._done.settle(after.id, plan.dropped)
        self._relay.hand(after, plan.fresh, announcements(before, after, now))
        tell_saved(before, after)
        if after.status.is_terminal and not after.open_steps:
            self._tidy.note_ended(after)
