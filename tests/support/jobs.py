"""Jobs for tests of the engine."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.engine.create import new_job
from shared.engine.decide import decide
from shared.engine.decision import Renderer
from shared.engine.events import Event
from shared.engine.flow import Action, Flow, Json, StepSpec
from shared.engine.job import Job

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SCRIPT = Action(name="work", type="script", route="any")


class Verbatim:
    """A `Renderer` that leaves everything as it is written; every `when` but "false" is true."""

    def render(self, value: Json, context: Mapping[str, Json]) -> Json:  # noqa: ARG002 - the port's signature
        return value

    def render_deep(self, value: Json, context: Mapping[str, Json]) -> Json:  # noqa: ARG002
        return value

    def is_true(self, template: str, context: Mapping[str, Json]) -> bool:  # noqa: ARG002
        return template != "false"


def at(seconds: float) -> datetime:
    """A moment, seconds after the job was created."""
    return BEGIN + timedelta(seconds=seconds)


def step(name: str, *depends_on: str, **fields: Any) -> StepSpec:
    """A step that runs `SCRIPT` unless it says otherwise."""
    return StepSpec(name, fields.pop("action", SCRIPT), depends_on, **fields)


def job_of(*steps: StepSpec, input_: Mapping[str, Json] | None = None, **flow: Any) -> Job:
    """A job that nothing has happened to."""
    return new_job(
        id="job-1",
        workspace="demo",
        task="work",
        revision="r1",
        flow=Flow({each.name: each for each in steps}, **flow),
        input=input_ or {},
        raw_input=input_ or {},
        source_type="api",
        created_at=BEGIN,
    )


def after(job: Job, *events: Event, renderer: Renderer | None = None) -> Job:
    """The job after the events."""
    for event in events:
        job = decide(job, event, renderer or Verbatim()).job
    return job
