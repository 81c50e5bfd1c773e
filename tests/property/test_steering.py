"""Jobs that people steer at random: what holds after every wish, and that every job ends once nobody holds it back."""

from collections.abc import Iterator
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.definition.templates import JinjaRenderer
from shared.engine.decide import decide
from shared.engine.events import (
    ApprovalDecided,
    ChildFinished,
    Event,
    EventReceived,
    JobCancelRequested,
    JobCreated,
    JobPauseRequested,
    JobResumeRequested,
    StepFinished,
    StepForceCompleteRequested,
    StepLost,
    StepRetryRequested,
    StepSkipRequested,
    StepStarted,
    SubtreeReplayRequested,
    TimerFired,
)
from shared.engine.explain import Facts, explain_job
from shared.engine.job import Job
from shared.engine.states import JobStatus, Outcome, StepStatus, TimerKind
from tests.property.flows import jobs
from tests.support.jobs import at

RENDERER = JinjaRenderer()
BUSY = (StepStatus.READY, StepStatus.RUNNING)
ABOUT_STEPS = (StepSkipRequested, StepForceCompleteRequested, StepRetryRequested, SubtreeReplayRequested)
ABOUT_JOBS = (JobPauseRequested, JobResumeRequested, JobPauseRequested, JobResumeRequested, JobCancelRequested)
ROUNDS = 100
MOMENTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1000), st.sampled_from(Outcome)), max_size=40)


class Steered:
    """A job, and the law that every decision about it is held to."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.seconds = 0
        self.ids: set[str] = set()
        self.tell(JobCreated(self.now()))

    def now(self) -> datetime:
        self.seconds += 1
        return at(self.seconds)

    def tell(self, event: Event) -> None:
        before, decision = self.job, decide(self.job, event, RENDERER)
        assert decide(before, event, RENDERER) == decision, "deciding twice gives the same"
        if decision.ignored or decision.refused:
            assert decision.job is before
            assert not decision.commands
        self.job = job = decision.job
        assert not {command.id for command in decision.commands} & self.ids, "every command has an id of its own"
        self.ids |= {command.id for command in decision.commands}
        steps = job.steps.values()
        assert job.open_steps == sum(not step.status.is_terminal for step in steps)
        real = [step for name, step in job.steps.items() if not is_loop(job, name)]
        assert job.busy_steps == sum(step.status in BUSY for step in real)
        assert all(
            step.attempt >= before.steps[name].attempt for name, step in job.steps.items() if name in before.steps
        )
        assert job.are_hooks_fired == (job.status.is_terminal and not job.open_steps)
        assert (job.finished_at is not None) == job.status.is_terminal
        if job.status is JobStatus.PAUSED:
            assert not any(step.status is StepStatus.READY for step in steps), "nothing lies in a queue"
        explained = explain_job(job, Facts()).steps
        assert all(explained.values()), "everything open has a reason"

    def outstanding(self) -> Iterator[str]:
        """Steps whose end depends on somebody outside."""
        for name, step in self.job.steps.items():
            waits = step.status is StepStatus.PENDING and step.retry_at is not None
            if waits or (step.status in (*BUSY, StepStatus.SUSPENDED) and not is_loop(self.job, name)):
                yield name

    def last_word(self, name: str, outcome: Outcome) -> Event:
        step, now = self.job.steps[name], self.now()
        if step.status is StepStatus.PENDING:
            return TimerFired(now, TimerKind.RETRY, name, step.attempt)
        if step.child_job_id is not None:
            status = JobStatus.COMPLETED if outcome is Outcome.COMPLETED else JobStatus.FAILED
            return ChildFinished(now, name, step.attempt, step.child_job_id, status)
        if step.status is StepStatus.SUSPENDED:
            return self.wake(name)
        return StepFinished(now, name, step.attempt, step.worker_id or "w1", outcome, output=name)

    def wake(self, name: str) -> Event:
        step, now = self.job.steps[name], self.now()
        match self.job.flow.steps[step.loop_source or name].action.type:
            case "approval":
                return ApprovalDecided(now, name, is_approved=True)
            case "wait_for_event":
                return EventReceived(now, name)
            case _:
                return TimerFired(now, TimerKind.SLEEP, name, step.attempt)


def is_loop(job: Job, name: str) -> bool:
    return name in job.flow.steps and job.flow.steps[name].loop is not None


def happen(steered: Steered, kind: int, which: int, outcome: Outcome) -> None:
    """One moment: mostly a report about something outstanding, else a wish of somebody."""
    names, outstanding = list(steered.job.steps), list(steered.outstanding())
    if kind < 4 and outstanding:
        steered.tell(steered.last_word(outstanding[which % len(outstanding)], outcome))
    elif kind == 4 and outstanding:
        name = outstanding[which % len(outstanding)]
        attempt = steered.job.steps[name].attempt
        steered.tell(StepStarted(steered.now(), name, attempt, "w1"))
        if which % 3 == 0:
            steered.tell(StepLost(steered.now(), name, attempt, "w1", "gone"))
    elif kind == 5:
        steered.tell(ABOUT_JOBS[which % len(ABOUT_JOBS)](steered.now()))
    elif names:
        verb = ABOUT_STEPS[kind % len(ABOUT_STEPS)]
        steered.tell(verb(steered.now(), names[which % len(names)]))


@given(job=jobs(is_rich=True), moments=MOMENTS)
@settings(max_examples=300, deadline=None)
def test_a_job_ends_once_nobody_holds_it_back(job: Job, moments: list[tuple[int, int, Outcome]]) -> None:
    steered = Steered(job)
    for kind, which, outcome in moments:
        happen(steered, kind, which, outcome)
    steered.tell(JobResumeRequested(steered.now()))
    for _ in range(ROUNDS):
        for name in list(steered.outstanding()):
            if name in steered.outstanding():
                steered.tell(steered.last_word(name, Outcome.COMPLETED))
    assert steered.job.status.is_terminal
    assert steered.job.are_hooks_fired
