"""Events of one job folded into one write."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.engine.commands import Command, RunStep
from shared.engine.decide import decide
from shared.engine.decision import Ignored, Refusal, Renderer
from shared.engine.events import Event
from shared.engine.job import Job
from shared.engine.owed import is_owed
from shared.storage.records import JobSave, StoredJob
from shared.telemetry.metrics import DECIDE_SECONDS

STRANDED_AFTER = timedelta(seconds=10)  # a process that lives has confirmed and cleared a command by then


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job's events come to.

    `fresh` are the commands that are new in the outbox, `standing` those that were there before and still are owed,
    `dropped` the ids of those that left it. `ignored` tells why each event that changed nothing did not, `refused` why
    each request was not granted; `save` is None if that is all of them.
    """

    stored: StoredJob
    save: JobSave | None
    fresh: tuple[Command, ...]
    standing: tuple[Command, ...]
    dropped: tuple[str, ...]
    ignored: tuple[Ignored, ...]
    refused: tuple[Refusal, ...] = ()

    @property
    def result(self) -> StoredJob:
        """The job as it is once the save is kept."""
        return self.stored if self.save is None else StoredJob(self.save.job, self.save.outbox)

    def stranded(self, now: datetime) -> tuple[Command, ...]:
        """Commands of a job just read whose sender has probably died: repeat them.

        A repeated event says that its first reader did not come as far as to acknowledge it, so perhaps not as far as
        to send what it had saved either; a step that has been owed for long says the same. The sweep would find them
        too, but late, and only once the job has been quiet.
        """
        job = self.result.job
        is_late = any(_ready_for(job, command, now) > STRANDED_AFTER for command in self.standing)
        return self.standing if self.ignored or is_late else ()


def plan_events(stored: StoredJob, events: Sequence[Event], renderer: Renderer, done: frozenset[str]) -> Plan:
    """Decide the events one after the other; commands in `done`, or no longer owed at the end, leave the outbox."""
    job = stored.job
    commands: list[Command] = []
    ignored: list[Ignored] = []
    refused: list[Refusal] = []
    for event in events:
        with DECIDE_SECONDS.time():
            decision = decide(job, event, renderer)
        if decision.ignored is not None:
            ignored.append(decision.ignored)
            continue
        if decision.refused is not None:
            refused.append(decision.refused)
            continue
        job = decision.job
        commands += decision.commands
    standing = _still_owed(job, [command for command in stored.outbox if command.id not in done])
    if len(ignored) + len(refused) == len(events):
        return Plan(stored, None, (), standing, (), tuple(ignored), tuple(refused))
    job = replace(job, version=stored.job.version + 1)
    fresh = _still_owed(job, commands)
    kept = {command.id for command in standing}
    dropped = tuple(command.id for command in stored.outbox if command.id not in kept)
    save = JobSave(stored.job, job, (*standing, *fresh))
    return Plan(stored, save, fresh, standing, dropped, tuple(ignored), tuple(refused))


def _still_owed(job: Job, commands: Sequence[Command]) -> tuple[Command, ...]:
    return tuple(command for command in commands if is_owed(job, command))


def _ready_for(job: Job, command: Command, now: datetime) -> timedelta:
    since = job.steps[command.step].ready_at if isinstance(command, RunStep) else None
    return timedelta() if since is None else now - since
