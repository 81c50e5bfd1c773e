"""Playing a rehearsal: the engine decides as in earnest, the script answers for workers, people and the clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any

from shared.definition.compile import compile_flow
from shared.definition.connections import connections_for
from shared.definition.inputs import resolve_input
from shared.definition.models import WorkspaceDefinition
from shared.definition.templates import JinjaRenderer
from shared.engine.commands import CancelStep, Command, RunStep, SetTimer, StartChild, StartHook, WriteServerLine
from shared.engine.create import new_job
from shared.engine.decide import decide
from shared.engine.events import (
    ApprovalDecided,
    ChildFinished,
    Event,
    EventReceived,
    JobCreated,
    StepFinished,
    StepLost,
    StepStarted,
    TimerFired,
)
from shared.engine.job import Job
from shared.engine.states import JobStatus, Outcome, StepStatus
from shared.errors import Rejected
from shared.rehearsal.script import Answer, Script
from shared.rehearsal.tell import tell

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MOST_EVENTS = 20_000
WORKER = "rehearsal"


@dataclass
class Played:
    """How a rehearsal went: the job at its end, what happened in words, the log's lines, the hooks that started."""

    job: Job
    trace: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)


def play(definition: WorkspaceDefinition, script: Script) -> Played:
    """Run the task as the script tells.

    Raises:
        NotFound, InvalidInput: there is no such task, it has errors, or the input does not fit.
        Rejected: it never ends; the text says what it waits for.
    """
    player = _Player(_job_of(definition, script), script)
    player.run()
    return player.played


def _job_of(definition: WorkspaceDefinition, script: Script) -> Job:
    flow = compile_flow(definition, script.task)
    declared = definition.tasks[script.task].input
    resolved, warnings = resolve_input(declared, script.input, connections_for(definition, declared))
    return new_job(
        id="rehearsal",
        workspace="rehearsal",
        task=script.task,
        revision="rehearsal",
        flow=flow,
        input=resolved,
        raw_input=script.input,
        source_type="api",
        created_at=BEGIN,
        warnings=warnings,
    )


class _Player:
    """Events by their time; what comes at the same time comes in the order in which it was caused."""

    def __init__(self, job: Job, script: Script) -> None:
        self.played = Played(job)
        self._script = script
        self._renderer = JinjaRenderer()
        self._coming: list[tuple[datetime, int, Event]] = []
        self._order = count()

    def run(self) -> None:
        self._expect(JobCreated(BEGIN))
        for _ in range(MOST_EVENTS):
            if not self._coming or self._is_over():
                break
            _, _, event = heappop(self._coming)
            self._apply(event)
        if not self.played.job.status.is_terminal:
            raise Rejected(f"the job does not end: {self._open_steps()}")

    def _apply(self, event: Event) -> None:
        before = self.played.job
        decision = decide(before, event, self._renderer)
        if decision.ignored:
            return
        if decision.refused is not None:
            raise Rejected(f"at {(event.at - BEGIN).total_seconds():g}s: {decision.refused}")
        self.played.job = decision.job
        self.played.trace += tell(before, decision, BEGIN)
        for command in decision.commands:
            _CARRY_OUT.get(type(command), _pass_over)(self, command, event.at)
        for name, step in decision.job.steps.items():
            if step.status is StepStatus.SUSPENDED and before.steps.get(name) is not step:
                self._answer_suspended(name, event.at)

    def _expect(self, event: Event) -> None:
        heappush(self._coming, (event.at, next(self._order), event))

    def _is_over(self) -> bool:
        """Whether nothing more can follow but timers of what has ended."""
        job = self.played.job
        return job.status.is_terminal and all(step.status.is_terminal for step in job.steps.values())

    def _open_steps(self) -> str:
        steps = self.played.job.steps
        return ", ".join(f"'{name}' is {step.status}" for name, step in steps.items() if not step.status.is_terminal)

    def run_step(self, command: RunStep, at: datetime) -> None:
        answer = self._script.answer_of(command.step, command.attempt)
        self._expect(StepStarted(at, command.step, command.attempt, WORKER))
        if answer.is_hanging:
            return
        ends_at = at + timedelta(seconds=answer.after)
        if answer.is_lost:
            self._expect(StepLost(ends_at, command.step, command.attempt, WORKER, "no heartbeat"))
            return
        is_good = answer.error is None
        self._expect(
            StepFinished(
                ends_at,
                command.step,
                command.attempt,
                WORKER,
                Outcome.COMPLETED if is_good else Outcome.FAILED,
                output=answer.output if is_good else None,
                error=answer.error,
                exit_code=answer.exit_code,
            )
        )

    def cancel_step(self, command: CancelStep, at: datetime) -> None:
        told = "Step was cancelled"
        self._expect(StepFinished(at, command.step, command.attempt, WORKER, Outcome.CANCELLED, error=told))

    def set_timer(self, command: SetTimer, at: datetime) -> None:
        del at
        self._expect(TimerFired(command.due_at, command.kind, command.step, command.attempt))

    def start_child(self, command: StartChild, at: datetime) -> None:
        answer = self._script.answer_of(command.step, command.attempt)
        if answer.is_hanging:
            return
        status = JobStatus.COMPLETED if answer.error is None else JobStatus.FAILED
        ends_at = at + timedelta(seconds=answer.after)
        about = {"status": status, "output": answer.output, "error": answer.error}
        self._expect(ChildFinished(ends_at, command.step, command.attempt, command.job_id, **about))

    def start_hook(self, command: StartHook, at: datetime) -> None:
        del at
        self.played.hooks.append(f"{command.event}[{command.index}] {command.hook.action.name}")

    def write(self, command: WriteServerLine, at: datetime) -> None:
        del at
        self.played.lines.append(command.line)

    def _answer_suspended(self, name: str, at: datetime) -> None:
        step = self.played.job.steps[name]
        answer = self._script.answer_of(name, step.attempt)
        answered_at = at + timedelta(seconds=answer.after)
        if answer.is_approved is not None:
            self._expect(_approval(answer, name, answered_at))
        elif step.waits_for is not None and "event" in answer.model_fields_set:
            self._expect(EventReceived(answered_at, name, answer.event))


def _approval(answer: Answer, name: str, at: datetime) -> ApprovalDecided:
    return ApprovalDecided(at, name, bool(answer.is_approved), answer.by, answer.input, answer.error)


def _pass_over(player: _Player, command: Command, at: datetime) -> None:
    del player, command, at


_CARRY_OUT: Mapping[type, Callable[[_Player, Any, datetime], None]] = {
    RunStep: _Player.run_step,
    CancelStep: _Player.cancel_step,
    SetTimer: _Player.set_timer,
    StartChild: _Player.start_child,
    StartHook: _Player.start_hook,
    WriteServerLine: _Player.write,
}
