"""A job while one event is applied to it: changed in place, handed out as a `Decision`."""

from collections import deque
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.engine.commands import CancelChild, CancelStep, Command, WriteServerLine
from shared.engine.decision import Decision, Renderer
from shared.engine.flow import StepSpec
from shared.engine.identity import command_id
from shared.engine.job import Job, Step
from shared.engine.states import JobStatus, StepStatus
from shared.engine.transitions import JobMove, StepMove, next_job, next_step

_BUSY = (StepStatus.READY, StepStatus.RUNNING)


class Draft:
    """What a decision is made of.

    `job` has the job's own fields up to date; its steps are in `steps`, instances of loops after those of the flow.
    `settled` are the steps that ended by this event and whose dependents have not been looked at yet, oldest first.
    """

    __slots__ = ("at", "busy_steps", "commands", "flow", "job", "open_steps", "renderer", "settled", "steps")

    def __init__(self, job: Job, at: datetime, renderer: Renderer) -> None:
        self.job = job
        self.flow = job.flow
        self.at = at
        self.renderer = renderer
        self.steps: dict[str, Step] = dict(job.steps)
        self.open_steps = job.open_steps
        self.busy_steps = job.busy_steps
        self.settled: deque[str] = deque()
        self.commands: list[Command] = []

    def spec(self, name: str) -> StepSpec:
        """What the step is to do; an instance of a loop does what its placeholder says."""
        return self.flow.steps[self.steps[name].loop_source or name]

    def is_loop(self, name: str) -> bool:
        """Whether the step is a loop's placeholder: it stands for its instances and does nothing itself."""
        return name in self.flow.steps and self.flow.steps[name].loop is not None

    def change_job(self, **fields: Any) -> None:
        """Set fields of the job that are not its state."""
        self.job = replace(self.job, **fields)

    def move_job(self, move: JobMove, **fields: Any) -> None:
        """Change the job's state by the table.

        Raises:
            Broken: the table has no such move.
        """
        status = next_job(self.job.status, move)
        if self.job.status is JobStatus.PAUSED:
            fields.setdefault("reason", None)
        if status.is_terminal:
            fields["finished_at"] = self.at
        self.job = replace(self.job, status=status, **fields)

    def begin_job(self) -> None:
        """Call the job running, if it is not yet: the first of its steps is."""
        if self.job.status is JobStatus.PENDING:
            self.move_job(JobMove.STARTED, started_at=self.at)

    def add_step(self, name: str, step: Step) -> None:
        """Put a pending step beside those of the flow."""
        self.steps[name] = step
        self.open_steps += 1

    def move_step(self, name: str, move: StepMove, **fields: Any) -> None:
        """Change a step's state by the table, and remember it if it has ended.

        Raises:
            Broken: the table has no such move.
        """
        step = self.steps[name]
        status = next_step(step.status, move)
        if status.is_terminal:
            fields["finished_at"] = self.at
            self.open_steps -= 1
            self.settled.append(name)
        if not self.is_loop(name):
            self.busy_steps += (status in _BUSY) - (step.status in _BUSY)
        self.steps[name] = replace(step, status=status, **fields)

    def change_step(self, name: str, **fields: Any) -> None:
        """Set fields of a step that are not its state."""
        self.steps[name] = replace(self.steps[name], **fields)

    def fail_step(self, name: str, error: str, **fields: Any) -> None:
        """End the step as failed, and say why in the job's log."""
        self.move_step(name, StepMove.FAILED, error=error, **fields)
        self.say(f"[orchestration] Step '{name}' failed: {error}")

    def skip_step(self, name: str, why: str, **fields: Any) -> None:
        """End the step as skipped, and say why in the job's log."""
        self.move_step(name, StepMove.PASSED_OVER, **fields)
        self.say(f"[orchestration] Step '{name}' skipped: {why}")

    def owe(self, command: Command) -> None:
        """Add what has to be done once the decision is kept."""
        self.commands.append(command)

    def owe_cancel(self, name: str) -> None:
        """Have the child job cancelled, or the worker kill the step; who takes the attempt over is told anew."""
        step = self.steps[name]
        if step.child_job_id is not None:
            self.owe(CancelChild(self.id_held(name, "cancel"), step.child_job_id))
            return
        self.owe(CancelStep(self.id_held(name, "cancel"), name, step.attempt, step.worker_id))

    def id_held(self, name: str, kind: str) -> str:
        """The id of a command about a step in the hands of one worker; each taking has its own."""
        step = self.steps[name]
        since = step.started_at or self.at
        return command_id(self.job.id, name, step.attempt, f"{kind}@{since.isoformat()}")

    def say(self, line: str) -> None:
        """Write a line into the job's `_server` log."""
        sequence = self.job.server_lines
        self.job = replace(self.job, server_lines=sequence + 1)
        self.owe(WriteServerLine(command_id(self.job.id, None, sequence, "line"), sequence, self.at, line))

    def decide(self) -> Decision:
        """The job as it is now, with the commands it owes."""
        job = replace(self.job, steps=self.steps, open_steps=self.open_steps, busy_steps=self.busy_steps)
        return Decision(job, tuple(self.commands))
