"""Jobs on a network that repeats, reorders, delays and loses: what holds after every event, and that every job ends."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.definition.templates import JinjaRenderer
from shared.engine.commands import Command, RunStep, SetTimer, WriteServerLine
from shared.engine.decide import decide
from shared.engine.events import Event, JobCancelRequested, JobCreated, StepFinished, StepLost, StepStarted, TimerFired
from shared.engine.job import Job, Step
from shared.engine.states import JobStatus, Outcome, StepStatus
from tests.property.flows import jobs
from tests.support.jobs import at

RENDERER = JinjaRenderer()
WORKERS = st.sampled_from(["w1", "w2", "w3"])
ANY = st.integers(0, 1000)
IN_HAND = (StepStatus.READY, StepStatus.RUNNING)


class UnreliableNetwork(RuleBasedStateMachine):
    """Commands and reports lie in bags; any may be taken, now or later, once or again."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0
        self.runs: list[RunStep] = []
        self.timers: list[SetTimer] = []
        self.reports: list[Event] = []
        self.ids: set[str] = set()
        self.lines = 0

    @initialize(job=jobs())
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
        assert self.job.status.is_terminal or any(step.status in IN_HAND for step in self.job.steps.values())

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
        """Whoever holds a step reports at last: the job must end, in no more rounds than it has steps."""
        if not hasattr(self, "job"):
            return
        for _ in self.job.steps:
            for name, step in self.job.steps.items():
                if step.status in IN_HAND:
                    worker = step.worker_id or "w1"
                    self.tell(StepFinished(self.tick(), name, step.attempt, worker, Outcome.COMPLETED))
        assert self.job.status.is_terminal
        assert self.job.are_hooks_fired

    def tell(self, event: Event) -> None:
        """Decide, and check what holds of every decision."""
        before, decision = self.job, decide(self.job, event, RENDERER)
        assert decide(before, event, RENDERER) == decision, "deciding twice gives the same"
        again = decide(decision.job, event, RENDERER)
        assert again.ignored, "the same event again is ignored"
        assert again.job is decision.job
        if decision.ignored:
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
