"""What every part of a workspace's definition is made of."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of a workspace. What JSON can't say is not in it: `model_dump(mode="json")` and back is the same."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, use_attribute_docstrings=True)
