"""The engine: what follows from an event.

Two kinds of rule, kept apart. The event's own handler changes what the event is about. Then the rules that depend on
the job's state alone are applied until nothing changes: steps become ready or are skipped, the job ends, its hooks
start. No way around the second kind exists, so that no event can leave a job behind with nothing to wait for.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.engine.admission import admit_waiting
from shared.engine.cancel import request_cancel
from shared.engine.children import finish_child
from shared.engine.closing import close_job
from shared.engine.control import force_complete_step, pause_job, resume_job, skip_step
from shared.engine.control_reopen import replay_subtree, retry_step
from shared.engine.decision import Decision, Ignored, Refusal, Renderer
from shared.engine.draft import Draft
from shared.engine.ending import end_job
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
from shared.engine.job import Job
from shared.engine.readiness import promote
from shared.engine.reports import finish_step, lose_step, start_step
from shared.engine.start import start_job
from shared.engine.timeouts import fire_timer
from shared.engine.wake import decide_approval, receive_event

_HANDLERS: Mapping[type[Event], Callable[[Draft, Any], Ignored | Refusal | None]] = {
    JobCreated: start_job,
    StepStarted: start_step,
    StepFinished: finish_step,
    StepLost: lose_step,
    TimerFired: fire_timer,
    JobCancelRequested: request_cancel,
    ApprovalDecided: decide_approval,
    EventReceived: receive_event,
    ChildFinished: finish_child,
    JobPauseRequested: pause_job,
    JobResumeRequested: resume_job,
    StepSkipRequested: skip_step,
    StepForceCompleteRequested: force_complete_step,
    StepRetryRequested: retry_step,
    SubtreeReplayRequested: replay_subtree,
}


def decide(job: Job, event: Event, renderer: Renderer) -> Decision:
    """The job after the event, and the commands that it owes for it.

    Pure: the same arguments give the same answer, down to the commands' ids, so that whoever could not keep a decision
    decides again.

    Repeats: the second time the event is ignored or refused; the job comes back as it is, with no commands.
    """
    draft = Draft(job, event.at, renderer)
    objection = _HANDLERS[type(event)](draft, event)
    if isinstance(objection, Ignored):
        return Decision(job, ignored=objection)
    if objection is not None:
        return Decision(job, refused=objection)
    _settle(draft)
    return draft.decide()


def _settle(draft: Draft) -> None:
    """Apply the rules of state, in this order: each can only be prompted by the ones before it."""
    while draft.settled or draft.job.waiting:
        promote(draft)
        if not admit_waiting(draft):
            break
    end_job(draft)
    close_job(draft)
