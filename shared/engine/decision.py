"""What `decide` answers, and what it asks of templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.engine.commands import Command
from shared.engine.flow import Json
from shared.engine.job import Job
from shared.errors import HeadraceError


class RenderFailed(HeadraceError):  # noqa: N818 - the broken fact
    """A template could not be rendered; the message says which and why."""

    code = "render_failed"


class Renderer(Protocol):
    """Templates without side effects; the same arguments always give the same answer.

    `context` is looked up on demand: it may stand for a thousand steps. Ask it only for the names that the template
    uses (`jinja2.meta.find_undeclared_variables`, kept with the compiled template); never copy it with `dict(context)`.
    """

    def render(self, value: Json, context: Mapping[str, Json]) -> Json:
        """Render a value of a step's input: templates become text, a pure path to a list or map keeps its type.

        Values that are not text come back as they are.

        Raises:
            RenderFailed: unknown variable, bad syntax, too large.
        """
        ...

    def render_deep(self, value: Json, context: Mapping[str, Json]) -> Json:
        """Render every text inside an action's body (script, args, env) to text; keys stay.

        Raises:
            RenderFailed: as `render`.
        """
        ...

    def is_true(self, template: str, context: Mapping[str, Json]) -> bool:
        """Render a `when` and judge it: "", false, 0, null and none (any case, trimmed) are false.

        Raises:
            RenderFailed: as `render`.
        """
        ...


class Ignored(StrEnum):
    """Why an event changed nothing; counted, never an error."""

    STALE = "stale"
    DUPLICATE = "duplicate"


class Refusal(str):
    """Why a request can't be granted, as a sentence for who asked."""

    __slots__ = ()


class InputRefusal(Refusal):
    """The request itself is wrong, or comes from the wrong person; the job's state would allow it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The job after an event and the commands that it owes for it, in order.

    `ignored` is set, `commands` empty and `job` the very object passed in when the event changed nothing. So it is with
    `refused`: the sentence for who asked for what the job's state does not allow.
    """

    job: Job
    commands: tuple[Command, ...] = ()
    ignored: Ignored | None = None
    refused: Refusal | None = None
