"""Events for steps that wait for one."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from services.api.json_body import read_json
from services.api.models.events import SendEventAnswer, SendEventRequest
from services.api.parts import PartsOf, WorkspaceName
from services.api.routes.refusals import refusals
from services.api.use_cases.control import parse
from services.api.use_cases.send_event import send_event
from shared.engine.suspend import LONGEST_EVENT_KEY

router = APIRouter(prefix="/api", tags=["control"])

EventKey = Annotated[
    str, Path(description="The event's key.", examples=["order-7"], min_length=1, max_length=LONGEST_EVENT_KEY)
]
_BODY = {
    "requestBody": {
        "required": False,
        "content": {"application/json": {"schema": SendEventRequest.model_json_schema(mode="validation")}},
    }
}


@router.post("/workspaces/{workspace}/events/{event_key:path}", responses=refusals(400, 413, 415), openapi_extra=_BODY)
async def send_an_event(
    parts: PartsOf, request: Request, workspace: WorkspaceName, event_key: EventKey
) -> SendEventAnswer:
    """Send an event to all steps of the workspace that wait for it now; the payload is their output."""
    wish = parse(SendEventRequest, await read_json(request))
    received = await send_event(parts.storage.jobs, parts.orchestrator, workspace, event_key, wish.payload)
    return SendEventAnswer(received_by=received)
