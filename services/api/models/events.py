"""Events that people and programs send to steps that wait for them."""

from typing import Any

from pydantic import Field

from services.api.models.control import Wish
from services.api.models.fields import JOB_ID, Answer


class SendEventRequest(Wish):
    """What the event brings, any JSON: the output of the steps that waited; the whole body may be left out."""

    payload: Any = Field(default=None, examples=[{"paid": True}])


class Receiver(Answer):
    """A step that waited for the event and has it now."""

    job_id: str = Field(examples=[JOB_ID])
    step: str


class SendEventAnswer(Answer):
    """Who waited; an event that nobody waits for is kept for nobody."""

    received_by: list[Receiver]
