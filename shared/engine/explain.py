"""Why a job, or a step of it, has not ended yet: whom or what it waits for, as words and as values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.engine.flow import StepSpec
from shared.engine.job import Job, Step
from shared.engine.routes import covers
from shared.engine.states import JobStatus, StepStatus

MOST_NAMED = 5
"""Steps that one sentence names; the others are counted."""
ACTIVE = frozenset({StepStatus.READY, StepStatus.RUNNING, StepStatus.SUSPENDED})


class WaitKind(StrEnum):
    """What is waited for."""

    STEPS = "steps"
    DEPENDENCY = "dependency"
    PARALLEL_LIMIT = "parallel_limit"
    LOOP_LIMIT = "loop_limit"
    RETRY = "retry"
    PAUSE = "pause"
    WORKER = "worker"
    QUEUE = "queue"
    RUN = "run"
    CHILD = "child"
    KILL = "kill"
    APPROVAL = "approval"
    SLEEP = "sleep"
    EVENT = "event"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class WorkerFact:
    """A worker as last heard of; `busy` is how many of its slots are."""

    id: str
    abilities: tuple[str, ...]
    tags: tuple[str, ...] = ()
    is_exclusive: bool = False
    is_live: bool = True
    heard_at: datetime | None = None
    slots: int = 1
    busy: int = 0

    def covers(self, route: str) -> bool:
        """Whether steps of the route may run here."""
        return covers(route, abilities=self.abilities, tags=self.tags, is_exclusive=self.is_exclusive)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the job itself does not know: the workers, and how many commands lie in the queue of each route."""

    workers: Sequence[WorkerFact] = ()
    queued: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """One thing that is waited for; `names` are the steps, routes, people, jobs or keys that it is about."""

    kind: WaitKind
    sentence: str
    names: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the job has not ended (None: it has), and `{step: what it waits for}` of its open steps."""

    job: Wait | None
    steps: Mapping[str, tuple[Wait, ...]]


def explain_job(job: Job, facts: Facts) -> Explanation:
    """What everything open in the job waits for; nothing open is left without a word."""
    open_ = [name for name, step in job.steps.items() if not step.status.is_terminal]
    return Explanation(_explain_job(job, open_), {name: tuple(_explain_step(job, name, facts)) for name in open_})


def queued_routes(job: Job) -> set[str]:
    """The routes about which `explain_job` wants to know: those that a step is queued for."""
    return {_spec_of(job, name).action.route for name, step in job.steps.items() if step.status is StepStatus.READY}


def _explain_job(job: Job, open_: Sequence[str]) -> Wait | None:
    names, told = tuple(open_), _named([f"'{name}' ({job.steps[name].status})" for name in open_])
    if job.status is JobStatus.PAUSED:
        return Wait(WaitKind.PAUSE, f"The job is {job.reason or 'paused'}: nothing starts until it is resumed", names)
    if job.status.is_terminal:
        return (
            Wait(WaitKind.KILL, f"The job is {job.status}; its workers still have to end {told}", names)
            if open_
            else None
        )
    if not open_:
        return Wait(WaitKind.DECISION, "The job is about to be decided")
    return Wait(WaitKind.STEPS, f"The job waits for {told}", names, since=job.started_at)


def _explain_step(job: Job, name: str, facts: Facts) -> Iterator[Wait]:
    step = job.steps[name]
    spec = _spec_of(job, name)
    if step.status is StepStatus.PENDING:
        yield from _explain_pending(job, spec, step)
    elif step.status is StepStatus.READY:
        yield _explain_ready(spec.action.route, step, facts)
    elif step.status is StepStatus.SUSPENDED:
        yield _SUSPENDED[spec.action.type](spec, step)
    else:
        yield _explain_running(job, spec, step)


def _explain_pending(job: Job, spec: StepSpec, step: Step) -> Iterator[Wait]:
    waits = False
    for dependency in () if step.loop_source else spec.depends_on:
        status = job.steps[dependency].status
        if not status.is_terminal:
            waits = True
            yield Wait(WaitKind.DEPENDENCY, f"Dependency '{dependency}' is {status}", (dependency,))
    if step.retry_at is not None:
        waits = True
        sentence = f"Retry {step.retry_attempt} is due at {step.retry_at.isoformat()}"
        yield Wait(WaitKind.RETRY, sentence, until=step.retry_at)
    if job.status is JobStatus.PAUSED:
        waits = True
        yield Wait(WaitKind.PAUSE, f"The job is {job.reason or 'paused'}")
    if not waits:
        yield _explain_limit(job, spec, step)


def _explain_limit(job: Job, spec: StepSpec, step: Step) -> Wait:
    """A step that may go and has not gone waits for a place."""
    limit = job.flow.max_parallel_steps
    active = tuple(name for name, each in job.steps.items() if each.status in ACTIVE)
    if step.loop_source is not None and spec.loop is not None:
        most = 1 if spec.loop.is_sequential else spec.loop.max_parallel
        mates = tuple(name for name in active if job.steps[name].loop_source == step.loop_source)
        if most is not None and len(mates) >= most:
            return Wait(WaitKind.LOOP_LIMIT, f"The loop runs {most} at a time: {_named(mates)}", mates)
    if limit is not None:
        return Wait(WaitKind.PARALLEL_LIMIT, f"The job runs {limit} steps at a time: {_named(active)}", active)
    return Wait(WaitKind.DECISION, "The step is about to be decided")


def _explain_ready(route: str, step: Step, facts: Facts) -> Wait:
    able = [worker for worker in facts.workers if worker.covers(route)]
    live = [worker for worker in able if worker.is_live]
    if not live:
        heard = max((worker.heard_at for worker in able if worker.heard_at is not None), default=None)
        since = f"since {heard.isoformat()}" if heard else "and none was ever seen"
        return Wait(WaitKind.WORKER, f"No live worker for route '{route}' {since}", (route,), since=heard)
    slots, busy = sum(worker.slots for worker in live), sum(worker.busy for worker in live)
    queued = facts.queued.get(route)
    behind = "" if queued is None else f" behind at most {max(queued - 1, 0)} others"
    told = f"Queued for route '{route}'{behind}; {busy} of {slots} slots of its live workers are busy"
    return Wait(WaitKind.QUEUE, told, (route,), since=step.ready_at)


def _explain_running(job: Job, spec: StepSpec, step: Step) -> Wait:
    until = step.started_at + spec.timeout if step.started_at is not None and spec.timeout is not None else None
    if step.child_job_id is not None:
        return Wait(
            WaitKind.CHILD, f"Job {step.child_job_id} has not ended", (step.child_job_id,), step.started_at, until
        )
    if step.worker_id is None:
        return Wait(WaitKind.STEPS, "Its iterations have not all ended", since=step.started_at, until=until)
    if job.status.is_terminal:
        return Wait(WaitKind.KILL, f"Worker {step.worker_id} has to end it", (step.worker_id,), step.started_at)
    told = f"Worker {step.worker_id} runs attempt {step.attempt}"
    return Wait(WaitKind.RUN, told, (step.worker_id,), step.started_at, until)


def _explain_approval(spec: StepSpec, step: Step) -> Wait:
    approvers = tuple(str(each) for each in spec.action.spec.get("approvers") or ())
    told = f"Approval by {' or '.join(approvers)}" if approvers else "Approval by anyone"
    return Wait(WaitKind.APPROVAL, told, approvers, step.suspended_at, _time_out(spec, step))


def _explain_sleep(_spec: StepSpec, step: Step) -> Wait:
    return Wait(WaitKind.SLEEP, "Sleeps until its timer fires", since=step.suspended_at)


def _explain_event(spec: StepSpec, step: Step) -> Wait:
    key = step.waits_for or ""
    return Wait(WaitKind.EVENT, f"Event '{key}'", (key,), step.suspended_at, _time_out(spec, step))


_SUSPENDED: Mapping[str, Callable[[StepSpec, Step], Wait]] = {
    "approval": _explain_approval,
    "sleep": _explain_sleep,
    "wait_for_event": _explain_event,
}


def _time_out(spec: StepSpec, step: Step) -> datetime | None:
    return step.suspended_at + spec.timeout if step.suspended_at is not None and spec.timeout is not None else None


def _spec_of(job: Job, name: str) -> StepSpec:
    return job.flow.steps[job.steps[name].loop_source or name]


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return f"{shown} and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else shown or "none"
