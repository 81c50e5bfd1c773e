"""What viewers are told after a job was saved: hints that may get lost."""

from datetime import datetime

from shared.broker.ports import Outgoing
from shared.broker.topology import ANNOUNCEMENT_EXCHANGE
from shared.engine.job import Job, Step
from shared.engine.states import StepStatus
from shared.messages.translate import to_job_changed, to_step_changed
from shared.messages.wire import Message

MOST_STEPS = 20  # a wider change is one hint about the job; viewers load it anyway
_UNSEEN = Step()


def announcements(before: Job | None, after: Job, at: datetime) -> list[Outgoing]:
    """A hint for each step that began to run or ended, and for the job if its status is new."""
    found: list[Outgoing] = []
    changed = _changed_steps(before, after)
    if len(changed) <= MOST_STEPS:
        found += [
            _hint("step.changed", to_step_changed(after, name, after.steps[name].attempt, after.steps[name].status, at))
            for name in changed
        ]
    if before is None or before.status is not after.status or len(changed) > MOST_STEPS:
        found.append(_hint("job.changed", to_job_changed(after, at)))
    return found


def _hint(key: str, message: Message) -> Outgoing:
    return Outgoing(ANNOUNCEMENT_EXCHANGE, key, message, is_lossy=True)


def _changed_steps(before: Job | None, after: Job) -> list[str]:
    if before is None:
        return []
    return [
        name
        for name, step in after.steps.items()
        if step is not before.steps.get(name) and _is_told(before.steps.get(name, _UNSEEN), step)
    ]


def _is_told(before: Step, after: Step) -> bool:
    is_new = before.status is not after.status or before.attempt != after.attempt
    return is_new and (after.status is StepStatus.RUNNING or after.status.is_terminal)
