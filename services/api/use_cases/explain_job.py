"""Why a job waits: the job itself, its workers, the queues of its routes."""

from datetime import timedelta

from services.api.models.control import JobExplanation, StepExplanation, WaitView
from services.api.use_cases.read_jobs import load_job
from shared.broker.ports import Broker
from shared.broker.topology import step_queue
from shared.definition.sealed import mask
from shared.engine import explain as engine
from shared.engine.job import Job
from shared.errors import BrokerUnavailable
from shared.runtime.clock import Clock
from shared.storage.ports import Storage

LIVE_WITHIN = timedelta(seconds=15)  # a worker silent for longer is taken for lost
MOST_WORKERS = 1000


async def explain(storage: Storage, broker: Broker, clock: Clock, job_id: str) -> JobExplanation:
    """What the job and its open steps wait for.

    Raises:
        NotFound: there is no such job.
    """
    job = await load_job(storage.jobs, job_id)
    found = engine.explain_job(job, await _facts(storage, broker, clock, job))
    steps = [
        StepExplanation(step_name=name, status=job.steps[name].status, waits_for=[_view(wait) for wait in waits])
        for name, waits in found.steps.items()
    ]
    told = _view(found.job) if found.job is not None else None
    return JobExplanation(job_id=job.id, status=job.status, reason=job.reason, waits_for=told, steps=steps)


async def _facts(storage: Storage, broker: Broker, clock: Clock, job: Job) -> engine.Facts:
    """Only what a job with queued steps needs to be explained."""
    routes = engine.queued_routes(job)
    if not routes:
        return engine.Facts()
    now = clock.now()
    workers, _ = await storage.workers.list_workers(limit=MOST_WORKERS, offset=0)
    known = [
        engine.WorkerFact(
            id=worker.id,
            abilities=worker.abilities,
            tags=worker.tags,
            is_exclusive=worker.is_exclusive,
            is_live=worker.status == "active"
            and worker.heartbeat_at is not None
            and now - worker.heartbeat_at < LIVE_WITHIN,
            heard_at=worker.heartbeat_at,
            slots=worker.slots,
            busy=len(worker.running),
        )
        for worker in workers
    ]
    return engine.Facts(known, await _queued(broker, routes))


async def _queued(broker: Broker, routes: set[str]) -> dict[str, int]:
    """How many commands lie in the queue of each route; none of them if the broker is away."""
    try:
        return {route: await broker.count(step_queue(route)) for route in sorted(routes)}
    except BrokerUnavailable:
        return {}


def _view(wait: engine.Wait) -> WaitView:
    sentence, names = mask(wait.sentence), mask(list(wait.names))
    return WaitView(kind=wait.kind, sentence=sentence, names=names, since=wait.since, until=wait.until)
