"""Field types that several answers share."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


def _is_none(value: object) -> bool:
    return value is None


IfSet = Field(default=None, exclude_if=_is_none)
"""A field that is left out of the answer when it has no value."""

JsonObject = dict[str, Any]
"""Any JSON object."""

JOB_ID = "01920f6e-7c1a-7def-8a4b-3f1d2c5b6a70"
WORKER_ID = "01920f6e-0000-7abc-9def-0123456789ab"
"""Ids for examples."""

Limit = Annotated[int, Field(ge=1, le=1000, description="How many to return; 1 to 1000.")]
Offset = Annotated[int, Field(ge=0, le=10_000_000, description="How many to pass over.")]


class Answer(BaseModel):
    """A response body."""

    model_config = ConfigDict(frozen=True)
