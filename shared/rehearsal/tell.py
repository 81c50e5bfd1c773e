"""What a decision changed and owes, in words: `run build 1`, `build is completed`, `job is failed`."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from shared.engine.commands import (
    CancelChild,
    CancelStep,
    NotifyParent,
    RunStep,
    SetTimer,
    StartChild,
    StartHook,
    StartRetryJob,
    WriteServerLine,
)
from shared.engine.decision import Decision
from shared.engine.job import Job, Step
from shared.engine.states import StepStatus

_NEW = Step()


def tell(before: Job, decision: Decision, begin: datetime) -> Iterator[str]:
    """The changes of steps in the flow's order, then the job's, then the commands; times count from `begin`."""
    if decision.ignored:
        yield f"ignored as {decision.ignored}"
    if decision.refused:
        yield f"refused: {decision.refused}"
    yield from _say_changes(before, decision.job)
    yield from (_WORDS[type(each)](each, begin) for each in decision.commands if not isinstance(each, WriteServerLine))


def _say_changes(before: Job, after: Job) -> Iterator[str]:
    for name, step in after.steps.items():
        # `ready` shows as the command to run it
        if step.status is not before.steps.get(name, _NEW).status and step.status is not StepStatus.READY:
            yield f"{name} is {step.status}"
    if after.status is not before.status:
        yield f"job is {after.status}"


def _say_timer(timer: SetTimer, begin: datetime) -> str:
    return f"set {timer.kind}{f' of {timer.step}' if timer.step else ''} at {_seconds(timer.due_at, begin)}"


def _seconds(at: datetime, begin: datetime) -> str:
    return f"{(at - begin).total_seconds():g}s"


_WORDS: Mapping[type, Callable[[Any, datetime], str]] = {
    RunStep: lambda each, _: f"run {each.step} {each.attempt}",
    CancelStep: lambda each, _: f"kill {each.step} {each.attempt} at {each.worker_id}",
    StartHook: lambda each, _: f"start {each.event}[{each.index}] {each.hook.action.name}",
    SetTimer: _say_timer,
    StartChild: lambda each, _: f"start child of {each.step} {each.attempt}: {each.task} {dict(each.input)}",
    CancelChild: lambda _, __: "cancel the child",
    NotifyParent: lambda each, _: (
        f"tell {each.parent_step} {each.parent_attempt} of {each.parent_job_id}: {each.status}"
    ),
    StartRetryJob: lambda each, begin: f"retry the job {each.retry_attempt} at {_seconds(each.starts_at, begin)}",
}
