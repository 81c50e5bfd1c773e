"""Jobs on a network that repeats, reorders, delays and loses: what holds after every event, and that every job ends."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.definition.templates import JinjaRenderer
from shared.engine.commands import Command, RunStep, SetTimer, StartChild, WriteServerLine
from shared.engine.decide import decide
from shared.engine.events import (
    ApprovalDecided,
    ChildFinished,
    Event,
    EventReceived,
    JobCancelRequested,
    JobCreated,
    StepFinished,
    StepLost,
    StepStarted,
    TimerFired,
)
from shared.engine.job import Job, Step
from shared.engine.states import JobStatus, Outcome, StepStatus, TimerKind
from tests.property.flows import jobs
from tests.support.jobs import at

RENDERER = JinjaRenderer()
WORKERS = st.sampled_from(["w1", "w2", "w3"])
ANY = st.integers(0, 1000)
IN_HAND = (StepStatus.READY, StepStatus.RUNNING)
OUTSIDE = (*IN_HAND, StepStatus.SUSPENDED)
ENDS = st.sampled_from([JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])


class UnreliableNetwork(RuleBasedStateMachine):
    """Commands and reports lie in bags; any may be taken, now or later, once or again."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0
        self.runs: list[RunStep] = []
        self.children: list[StartChild] = []
        self.timers: list[SetTimer] = []
        self.reports: list[Event] = []
        self.ids: set[str] = set()
        self.lines = 0

    @initialize(job=jobs(is_rich=True))
    def create(self, job: Job) -> None:
        self.job = job
        self.tell(JobCreated(at(0)))

    @precondition(lambda self: self.runs)
    @rule(which=ANY, worker=WORKERS, outcome=st.sampled_from(Outcome), goes_missing=st.booleans())
    def a_worker_takes_a_command(self, which: int, worker: str, outcome: Outcome, *, goes_missing: bool) -> None:
        run = self.runs[which % len(self.runs)]
        about: dict[str, Any] = {"step": run.step, "attempt": run.attempt, "worker_id": worker}
        self.reports.append(StepStarted(self.tick(), **about))
        if goes_missing:
            self.reports.append(StepLost(self.tick(), **about, reason="no heartbeat"))
        else:
            self.reports.append(StepFinished(self.tick(), **about, outcome=outcome, output=outcome.value))

    @precondition(lambda self: self.children)
    @rule(which=ANY, status=ENDS)
    def a_child_job_ends(self, which: int, status: JobStatus) -> None:
        child = self.children[which % len(self.children)]
        self.reports.append(ChildFinished(self.tick(), child.step, child.attempt, child.job_id, status, "output"))

    @rule(which=ANY, is_approved=st.booleans())
    def somebody_answers(self, which: int, *, is_approved: bool) -> None:
        if name := self.suspended(which):
            self.tell(ApprovalDecided(self.tick(), name, is_approved))

    @rule(which=ANY)
    def an_event_is_sent(self, which: int) -> None:
        if name := self.suspended(which):
            self.tell(EventReceived(self.tick(), name, "payload"))

    @precondition(lambda self: self.reports)
    @rule(which=ANY, comes_again=st.booleans())
    def a_report_arrives(self, which: int, *, comes_again: bool) -> None:
        report = self.reports[which % len(self.reports)]
        if not comes_again:
            self.reports.remove(report)
        self.tell(report)

    @precondition(lambda self: self.reports)
    @rule(which=ANY)
    def a_report_is_lost(self, which: int) -> None:
        self.reports.pop(which % len(self.reports))

    @precondition(lambda self: self.timers)
    @rule(which=ANY, late=st.integers(0, 60))
    def a_timer_fires(self, which: int, late: int) -> None:
        timer = self.timers[which % len(self.timers)]
        self.seconds = max(self.seconds, int((timer.due_at - at(0)).total_seconds())) + late
        self.tell(TimerFired(self.tick(), timer.kind, timer.step, timer.attempt))

    @rule(sure=st.integers(0, 9))
    def somebody_cancels(self, sure: int) -> None:
        if sure == 0:
            self.tell(JobCancelRequested(self.tick()))

    @rule(sure=st.integers(0, 9))
    def the_job_is_created_again(self, sure: int) -> None:
        if sure == 0:
            self.tell(JobCreated(at(0)))

    @invariant()
    def a_job_that_has_not_ended_waits_for_something(self) -> None:
        assert self.job.status.is_terminal or any(is_outside(self.job, name) for name in self.job.steps)

    @invariant()
    def busy_steps_are_counted_right_and_within_the_limit(self) -> None:
        busy = sum(step.status in IN_HAND and not is_loop(self.job, name) for name, step in self.job.steps.items())
        assert self.job.busy_steps == busy
        limit = self.job.flow.max_parallel_steps
        assert limit is None or busy <= limit

    @invariant()
    def what_waits_for_room_is_pending_and_finds_none(self) -> None:
        assert all(self.job.steps[name].status is StepStatus.PENDING for name in self.job.waiting)
        assert not self.job.waiting or self.job.busy_steps == self.job.flow.max_parallel_steps

    @invariant()
    def a_loop_knows_how_many_of_its_instances_are_open(self) -> None:
        for name, step in self.job.steps.items():
            if is_loop(self.job, name) and step.loop_total is not None:
                own = [each for each in self.job.steps.values() if each.loop_source == name]
                assert len(own) == step.loop_total
                assert step.loop_open == sum(not each.status.is_terminal for each in own)
                assert step.status is not StepStatus.COMPLETED or not step.loop_open

    @invariant()
    def in_an_ended_job_nothing_waits(self) -> None:
        open_ = {step.status for step in self.job.steps.values() if not step.status.is_terminal}
        assert not self.job.status.is_terminal or open_ <= {StepStatus.RUNNING}

    @invariant()
    def open_steps_are_counted_right(self) -> None:
        assert self.job.open_steps == sum(not step.status.is_terminal for step in self.job.steps.values())

    @invariant()
    def hooks_wait_until_nothing_runs_and_no_longer(self) -> None:
        assert self.job.are_hooks_fired == (self.job.status.is_terminal and not self.job.open_steps)

    @invariant()
    def only_an_ended_job_has_an_end(self) -> None:
        assert (self.job.finished_at is not None) == self.job.status.is_terminal

    def teardown(self) -> None:
        """Whatever is outstanding comes at last: the job must end, in no more rounds than it can have attempts."""
        if not hasattr(self, "job"):
            return
        for _ in range(100):
            for name in list(self.job.steps):
                if is_outside(self.job, name):
                    self.tell(self.last_word(name))
        assert self.job.status.is_terminal
        assert self.job.are_hooks_fired

    def last_word(self, name: str) -> Event:
        """What ends the step's wait."""
        step, now = self.job.steps[name], self.tick()
        if step.child_job_id is not None:
            return ChildFinished(now, name, step.attempt, step.child_job_id, JobStatus.COMPLETED)
        if step.status is StepStatus.PENDING:
            return TimerFired(now, TimerKind.RETRY, name, step.attempt)
        if step.status is not StepStatus.SUSPENDED:
            return StepFinished(now, name, step.attempt, step.worker_id or "w1", Outcome.COMPLETED)
        match self.job.flow.steps[step.loop_source or name].action.type:
            case "approval":
                return ApprovalDecided(now, name, is_approved=True)
            case "wait_for_event":
                return EventReceived(now, name)
            case _:
                return TimerFired(now, TimerKind.SLEEP, name, step.attempt)

    def suspended(self, which: int) -> str | None:
        """One of the steps that wait for something outside."""
        names = [name for name, step in self.job.steps.items() if step.status is StepStatus.SUSPENDED]
        return names[which % len(names)] if names else None

    def tell(self, event: Event) -> None:
        """Decide, and check what holds of every decision."""
        before, decision = self.job, decide(self.job, event, RENDERER)
        assert decide(before, event, RENDERER) == decision, "deciding twice gives the same"
        again = decide(decision.job, event, RENDERER)
        assert again.ignored or again.refused, "the same event again changes nothing"
        assert again.job is decision.job
        if decision.ignored or decision.refused:
            assert decision.job is before
            assert not decision.commands
        self.job = decision.job
        if before.status.is_terminal:
            assert self.job.status is before.status, "an ended job stays as it is"
            assert self.job.output == before.output
        for name, step in before.steps.items():
            check_step(step, self.job.steps[name])
            if before.status is JobStatus.CANCELLED and not step.status.is_terminal:
                assert self.job.steps[name].status in (StepStatus.RUNNING, StepStatus.CANCELLED)
        self.take(decision.commands)

    def take(self, commands: tuple[Command, ...]) -> None:
        """Put the commands into their bags; no id has been there before, lines count up."""
        for command in commands:
            assert command.id not in self.ids
            self.ids.add(command.id)
            if isinstance(command, RunStep):
                self.runs.append(command)
            elif isinstance(command, StartChild):
                self.children.append(command)
            elif isinstance(command, SetTimer):
                self.timers.append(command)
            elif isinstance(command, WriteServerLine):
                assert command.sequence == self.lines
                self.lines += 1
        assert self.job.server_lines == self.lines

    def tick(self) -> Any:
        """A later moment."""
        self.seconds += 1
        return at(self.seconds)


def is_loop(job: Job, name: str) -> bool:
    return name in job.flow.steps and job.flow.steps[name].loop is not None


def is_outside(job: Job, name: str) -> bool:
    """Whether a worker, a child job, a person, an event or a timer has the next word about the step."""
    step = job.steps[name]
    waits_for_retry = step.status is StepStatus.PENDING and step.retry_at is not None
    return not is_loop(job, name) and (step.status in OUTSIDE or waits_for_retry)


def check_step(before: Step, after: Step) -> None:
    assert after.attempt >= before.attempt
    assert after.lost_attempts >= before.lost_attempts
    if after.attempt == before.attempt and after.started_at and before.started_at:
        assert after.started_at >= before.started_at, "who holds an attempt never gives it back"
    if before.status.is_terminal:
        assert after.status is before.status
        assert (after.output, after.error) == (before.output, before.error)


TestUnreliableNetwork = UnreliableNetwork.TestCase
TestUnreliableNetwork.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
