"""What ends a suspension: an answer, a time, an event, or patience running out."""

from typing import Any

from shared.engine.decision import Ignored, InputRefusal, Refusal
from shared.engine.draft import Draft
from shared.engine.events import ApprovalDecided, EventReceived, TimerFired
from shared.engine.flow import Json
from shared.engine.job import Step
from shared.engine.states import StepStatus
from shared.engine.transitions import StepMove

LONGEST_REASON_BYTES = 4096
"""Of a rejection's reason. Source: Strøm, approval gates."""
_OUT_OF_TIME = {"approval": "Approval timed out", "sleep": "Sleep timed out", "wait_for_event": "Event wait timed out"}


def decide_approval(draft: Draft, event: ApprovalDecided) -> Refusal | None:
    """Complete or fail an approval as somebody says who may."""
    name = event.step
    refused = _refuse(draft, name, "approval") or _refuse_answer(draft, event)
    if refused is not None:
        return refused
    if event.is_approved:
        draft.move_step(name, StepMove.SUCCEEDED, output=_approved(draft.steps[name], event))
        draft.say(f"[approval] Step '{name}' approved by {event.by}")
    else:
        draft.say(f"[approval] Step '{name}' rejected by {event.by}")
        draft.fail_step(name, _cut(event.reason or "Approval rejected"))
    return None


def receive_event(draft: Draft, event: EventReceived) -> Refusal | None:
    """Complete the step that waited for the event, with what the event brings."""
    refused = _refuse(draft, event.step, "wait_for_event")
    if refused is not None:
        return refused
    draft.move_step(event.step, StepMove.SUCCEEDED, output=event.payload)
    draft.say(f"[orchestration] Step '{event.step}' received its event")
    return None


def end_sleep(draft: Draft, event: TimerFired) -> Ignored | None:
    """Complete a sleep whose time has come."""
    name, ignored = event.step or "", _fence(draft, event)
    if ignored is not None:
        return ignored
    slept = draft.at - (draft.steps[name].suspended_at or draft.at)
    output = {"slept_for_secs": slept.total_seconds(), "completed_at": draft.at.isoformat()}
    draft.move_step(name, StepMove.SUCCEEDED, output=output)
    return None


def end_patience(draft: Draft, event: TimerFired) -> Ignored | None:
    """Fail a suspension that took too long."""
    name, ignored = event.step or "", _fence(draft, event)
    if ignored is not None:
        return ignored
    draft.fail_step(name, _OUT_OF_TIME[draft.spec(name).action.type])
    return None


def _fence(draft: Draft, event: TimerFired) -> Ignored | None:
    step = draft.steps.get(event.step or "")
    if step is None or step.attempt != event.attempt:
        return Ignored.STALE
    return None if step.status is StepStatus.SUSPENDED else Ignored.DUPLICATE


def _refuse(draft: Draft, name: str, kind: str) -> Refusal | None:
    step = draft.steps.get(name)
    if step is None:
        return Refusal(f"Step '{name}' not found")
    if draft.is_loop(name) or draft.spec(name).action.type != kind:
        return Refusal(f"Step '{name}' is no {kind}")
    if step.status.is_terminal:
        return Refusal(f"Step '{name}' is already in a terminal state ({step.status})")
    if step.status is not StepStatus.SUSPENDED:
        return Refusal(f"Step '{name}' is {step.status}; its turn has not come")
    return None


def _refuse_answer(draft: Draft, event: ApprovalDecided) -> Refusal | None:
    action = draft.spec(event.step).action
    approvers = action.spec.get("approvers")
    if approvers and event.by not in approvers:
        return InputRefusal(f"Approver '{event.by}' is not allowed for step '{event.step}'")
    given = event.input or {}
    required = (field for field, declared in action.input.items() if declared.get("required"))
    missing = next((field for field in required if given.get(field) is None), None)
    if event.is_approved and missing is not None:
        return InputRefusal(f"Required field '{missing}' is missing")
    return None


def _approved(step: Step, event: ApprovalDecided) -> dict[str, Json]:
    answer: dict[str, Any] = {"approved": True, "approved_by": event.by, "approved_at": event.at.isoformat()}
    form = {} if event.input is None else {"input": dict(event.input)}
    return {**step.output, **answer, **form}


def _cut(reason: str) -> str:
    return reason.encode("utf-8", "replace")[:LONGEST_REASON_BYTES].decode("utf-8", "ignore")
