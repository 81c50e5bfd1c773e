"""Playing a scenario: its events go through the engine, what follows is written down in its words."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from shared.definition.templates import JinjaRenderer
from shared.engine.commands import Command, RunStep, StartHook, WriteServerLine
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
from shared.engine.job import Step
from shared.engine.states import JobStatus, Outcome, TimerKind
from shared.rehearsal.tell import tell
from tests.scenarios.scenario import BEGIN, Scenario

Kind = TypeVar("Kind")
OF_JOB: Mapping[str, Callable[..., Event]] = {
    "job created": JobCreated,
    "cancel": JobCancelRequested,
    "pause": JobPauseRequested,
    "resume": JobResumeRequested,
    "timer of job": partial(TimerFired, kind=TimerKind.JOB_TIMEOUT),
    "job begins late": partial(TimerFired, kind=TimerKind.RETRY),
}
BY_HAND: Mapping[str, Callable[..., Event]] = {
    "is skipped by hand": StepSkipRequested,
    "is completed by hand": StepForceCompleteRequested,
    "is retried": StepRetryRequested,
    "is replayed": SubtreeReplayRequested,
    "is approved": partial(ApprovalDecided, is_approved=True),
    "is rejected": partial(ApprovalDecided, is_approved=False),
    "receives": EventReceived,
}
OF_STEP: Mapping[str, Callable[..., Event]] = {
    "starts": StepStarted,
    "completes": partial(StepFinished, outcome=Outcome.COMPLETED),
    "fails": partial(StepFinished, outcome=Outcome.FAILED),
    "times out": partial(StepFinished, outcome=Outcome.TIMED_OUT),
    "is cancelled": partial(StepFinished, outcome=Outcome.CANCELLED),
    "is lost": partial(StepLost, reason="no heartbeat"),
}
BY_TIMER: Mapping[str, TimerKind] = {
    "retries": TimerKind.RETRY,
    "wakes": TimerKind.SLEEP,
    "loses patience": TimerKind.SUSPENSION_TIMEOUT,
}
OF_CHILD: Mapping[str, JobStatus] = {
    "completes": JobStatus.COMPLETED,
    "fails": JobStatus.FAILED,
    "is cancelled": JobStatus.CANCELLED,
}


class Rehearsal:
    """One playing of a scenario; a second passes between two events unless they say `at`."""

    def __init__(self, scenario: Scenario) -> None:
        self.job = scenario.job()
        self.commands: list[Command] = []
        self._renderer = JinjaRenderer()
        self._seconds = -1.0

    def play(self, written: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Decide about one event. What follows, and the log's lines."""
        rest = {key: value for key, value in written.items() if key not in {"event", "then", "says"}}
        self._seconds = rest.pop("at", self._seconds + 1)
        before = self.job
        decision = decide(before, self._read(written["event"], rest), self._renderer)
        self.job = decision.job
        self.commands += decision.commands
        return list(tell(before, decision, BEGIN)), [each.line for each in _only(WriteServerLine, decision.commands)]

    def ran(self, step: str) -> Mapping[str, Any]:
        """The rendered body of the step's last command."""
        return next(each.spec for each in reversed(self.commands) if isinstance(each, RunStep) and each.step == step)

    def hooks(self) -> list[Mapping[str, Any]]:
        """The rendered inputs of the hooks so far."""
        return [each.input for each in _only(StartHook, self.commands)]

    def _read(self, text: str, rest: dict[str, Any]) -> Event:
        at = BEGIN + timedelta(seconds=self._seconds)
        if text in OF_JOB:
            return OF_JOB[text](at=at, **rest)
        if text.startswith("timer of "):
            step = text.removeprefix("timer of ")
            about = {"at": at, "step": step, "attempt": self._step(step).attempt}
            return TimerFired(**{**about, "kind": TimerKind.STEP_TIMEOUT, **rest})
        if text.startswith("child of "):
            step, verb = text.removeprefix("child of ").split(" ", 1)
            known = self._step(step)
            about = {"at": at, "step": step, "attempt": known.attempt, "child_job_id": known.child_job_id}
            return ChildFinished(**{**about, "status": OF_CHILD[verb], **rest})
        step, verb = text.split(" ", 1)
        if verb in BY_TIMER:
            return TimerFired(
                **{"at": at, "kind": BY_TIMER[verb], "step": step, "attempt": self._attempt(step), **rest}
            )
        if verb in BY_HAND:
            return BY_HAND[verb](at=at, step=step, **rest)
        known = self._step(step)
        worker = rest.pop("worker", known.worker_id or "w1")
        return OF_STEP[verb](**{"at": at, "step": step, "attempt": known.attempt, "worker_id": worker, **rest})

    def _attempt(self, name: str) -> int:
        return self._step(name).attempt

    def _step(self, name: str) -> Step:
        return self.job.steps.get(name, Step())


def _only(kind: type[Kind], commands: Sequence[Command]) -> list[Kind]:
    return [each for each in commands if isinstance(each, kind)]
