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
    for each in decision.commands:
        if isinstance(each, SetTimer):
            yield _say_timer(each, begin)
        elif not isinstance(each, WriteServerLine):
            yield _WORDS[type(each)](each)


def _say_changes(before: Job, after: Job) -> Iterator[str]:
    for name, step in after.steps.items():
        # `ready` shows as the command to run it
        if step.status is not before.steps.get(name, _NEW).status and step.status is not StepStatus.READY:
            yield f"{name} is {step.status}"
    if after.status is not before.status:
        yield f"job is {after.status}"


def _say_timer(timer: SetTimer, begin: datetime) -> str:
    of = f" of {timer.step}" if timer.step else ""
    return f"set {timer.kind}{of} at {(timer.due_at - begin).total_seconds():g}s"


_WORDS: Mapping[type, Callable[[Any], str]] = {
    RunStep: lambda each: f"run {each.step} {each.attempt}",
    CancelStep: lambda each: f"kill {each.step} {each.attempt} at {each.worker_id}",
    StartHook: lambda each: f"start {each.event}[{each.index}] {each.hook.action.name}",
    StartChild: lambda each: f"start {each.task} for {each.step} {each.attempt}",
    CancelChild: lambda each: f"cancel child {each.job_id}",
    NotifyParent: lambda each: f"tell {each.parent_step} that the job is {each.status}",
    StartRetryJob: lambda each: f"start the job again, retry {each.retry_attempt} of {each.max_retries}",
}
