"""Times and sizes as people write them, read into numbers."""

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from shared.definition.durations import parse_duration
from shared.definition.quantities import parse_memory

_WRITTEN_DURATION = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^([0-9]+[hms]?)+$"}]}
_WRITTEN_BYTES = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]+[A-Za-z]*$"}]}


def _parse_bytes(written: str | float) -> int:
    """As `parse_memory`, also with the `B` of bytes."""
    return parse_memory(str(written).removesuffix("B"))


Seconds = Annotated[int, BeforeValidator(parse_duration), WithJsonSchema(_WRITTEN_DURATION)]
"""A duration in whole seconds; files may write `1h30m`."""

Bytes = Annotated[int, BeforeValidator(_parse_bytes), WithJsonSchema(_WRITTEN_BYTES)]
"""An amount of memory; files may write `512MiB` or `1Gi`."""
