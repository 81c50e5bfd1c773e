"""Wishes of people about one job or step."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from services.api.error_responses import field_problems, sentence_of
from services.api.models.control import (
    ApproveAnswer,
    ApproveRequest,
    ForceCompleteRequest,
    ReplayAnswer,
    SkipRequest,
    StepStatusAnswer,
)
from shared.engine.control_reopen import below
from shared.engine.events import (
    ApprovalDecided,
    JobPauseRequested,
    JobResumeRequested,
    Request,
    StepForceCompleteRequested,
    StepRetryRequested,
    StepSkipRequested,
    SubtreeReplayRequested,
)
from shared.engine.job import Job
from shared.errors import InvalidInput
from shared.orchestration.orchestrator import Orchestrator
from shared.orchestration.request import about_step

Body = TypeVar("Body", bound=BaseModel)


def parse(model: type[Body], body: Any) -> Body:
    """A request body; None stands for one without keys.

    Raises:
        InvalidInput: it does not fit; each field is named.
    """
    try:
        return model.model_validate({} if body is None else body)
    except ValidationError as error:
        found = field_problems(error.errors(include_url=False, include_input=False))
        raise InvalidInput(sentence_of(found), problems=found) from None


async def pause(orchestrator: Orchestrator, job_id: str, by: str) -> Job:
    """Let nothing new start. Raises NotFound, Conflict. Repeats: a paused job is answered as it is."""
    return await orchestrator.request(job_id, lambda _, at: JobPauseRequested(at, by))


async def resume(orchestrator: Orchestrator, job_id: str, by: str) -> Job:
    """Let a paused job go on. Raises NotFound, Conflict."""
    return await orchestrator.request(job_id, lambda _, at: JobResumeRequested(at, by))


async def approve(orchestrator: Orchestrator, job_id: str, step: str, by: str, wish: ApproveRequest) -> ApproveAnswer:
    """Answer an approval.

    Raises:
        NotFound: no such job or step.
        InvalidInput: a required field of the form is missing.
        Conflict: the step does not wait for an approval.
    """

    def decide(_job: Job, at: datetime) -> Request:
        return ApprovalDecided(at, step, wish.approved, by, wish.input, wish.rejection_reason)

    await orchestrator.request(job_id, about_step(step, decide))
    return ApproveAnswer(status="approved" if wish.approved else "rejected")


async def skip(orchestrator: Orchestrator, job_id: str, step: str, by: str, wish: SkipRequest) -> StepStatusAnswer:
    """Pass over a step. Raises NotFound, Conflict."""
    return await _about(orchestrator, job_id, step, lambda _, at: StepSkipRequested(at, step, by, wish.reason))


async def force_complete(
    orchestrator: Orchestrator, job_id: str, step: str, by: str, wish: ForceCompleteRequest
) -> StepStatusAnswer:
    """Complete a step by hand. Raises NotFound, Conflict."""
    return await _about(orchestrator, job_id, step, lambda _, at: StepForceCompleteRequested(at, step, by, wish.result))


async def retry_step(orchestrator: Orchestrator, job_id: str, step: str, by: str) -> StepStatusAnswer:
    """Run a step that has ended again. Raises NotFound, Conflict."""
    return await _about(orchestrator, job_id, step, lambda _, at: StepRetryRequested(at, step, by))


async def replay(orchestrator: Orchestrator, job_id: str, step: str, by: str) -> ReplayAnswer:
    """Run a step and all that depends on it again. Raises NotFound, Conflict."""
    job = await orchestrator.request(job_id, about_step(step, lambda _, at: SubtreeReplayRequested(at, step, by)))
    return ReplayAnswer(reset_steps=[step, *below(job.flow, step)])


async def _about(
    orchestrator: Orchestrator, job_id: str, step: str, make_event: Callable[[Job, datetime], Request]
) -> StepStatusAnswer:
    job = await orchestrator.request(job_id, about_step(step, make_event))
    return StepStatusAnswer(status=job.steps[step].status, attempt=job.steps[step].attempt)
