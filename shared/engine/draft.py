"""A job while one event is applied to it: changed in place, handed out as a `Decision`."""

from collections import deque
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.engine.commands import CancelStep, Command, WriteServerLine
from shared.engine.decision import Decision, Renderer
from shared.engine.identity import command_id
from shared.engine.job import Job, Step
from shared.engine.transitions import JobMove, StepMove, next_job, next_step


class Draft:
    """What a decision is made of.

    `job` has the job's own fields up to date; its steps are in `steps`. `settled` are the steps that ended by this
    event and whose dependents have not been looked at yet, oldest first.
    """

    __slots__ = ("at", "commands", "flow", "job", "open_steps", "renderer", "settled", "steps")

    def __init__(self, job: Job, at: datetime, renderer: Renderer) -> None:
        self.job = job
        self.flow = job.flow
        self.at = at
        self.renderer = renderer
        self.steps: dict[str, Step] = dict(job.steps)
        self.open_steps = job.open_steps
        self.settled: deque[str] = deque()
        self.commands: list[Command] = []

    def change_job(self, **fields: Any) -> None:
        """Set fields of the job that are not its state."""
        self.job = replace(self.job, **fields)

    def move_job(self, move: JobMove, **fields: Any) -> None:
        """Change the job's state by the table.

        Raises:
            Broken: the table has no such move.
        """
        status = next_job(self.job.status, move)
        if status.is_terminal:
            fields["finished_at"] = self.at
        self.job = replace(self.job, status=status, **fields)

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
        self.steps[name] = replace(step, status=status, **fields)

    def change_step(self, name: str, **fields: Any) -> None:
        """Set fields of a step that are not its state."""
        self.steps[name] = replace(self.steps[name], **fields)

    def fail_step(self, name: str, error: str, **fields: Any) -> None:
        """End the step as failed, and say why in the job's log."""
        self.move_step(name, StepMove.FAILED, error=error, **fields)
        self.say(f"[orchestration] Step '{name}' failed: {error}")

    def skip_step(self, name: str, why: str) -> None:
        """End the step as skipped, and say why in the job's log."""
        self.move_step(name, StepMove.PASSED_OVER)
        self.say(f"[orchestration] Step '{name}' skipped: {why}")

    def owe(self, command: Command) -> None:
        """Add what has to be done once the decision is kept."""
        self.commands.append(command)

    def owe_cancel(self, name: str) -> None:
        """Have the worker that holds the step kill it; another worker that takes the attempt over is told anew."""
        step = self.steps[name]
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
        job = replace(self.job, steps=self.steps, open_steps=self.open_steps)
        return Decision(job, tuple(self.commands))
