"""A step's input: what the author wrote, the action's defaults, the job's input of the same name, connections."""

from collections.abc import Mapping

from shared.engine.connections import connect
from shared.engine.decision import Renderer
from shared.engine.flow import Json, StepSpec


def prepare_input(
    spec: StepSpec, job_input: Mapping[str, Json], context: Mapping[str, Json], renderer: Renderer
) -> dict[str, Json]:
    """The input of an attempt.

    An action declares `who` (default "world") and `token`; the step writes `{}` and the job's input is
    `{"who": "Ada", "token": "t"}`: the step's input is `{"who": "world", "token": "t"}`. The name of a connection is
    replaced by its values, where the action declares a connection's type.

    Raises:
        RenderFailed: a template of the step's input or of a default, or a connection that does not exist.
    Source: Strøm, "Preparing a step's input".
    """
    prepared = {field: renderer.render(value, context) for field, value in spec.input.items()}
    for field, declared in spec.action.input.items():
        if field in prepared:
            continue
        if declared.get("default") is not None:
            prepared[field] = renderer.render_deep(declared["default"], context)
        elif job_input.get(field) is not None:
            prepared[field] = job_input[field]
    for field in prepared.keys() & spec.action.input.keys():
        kind = spec.action.input[field].get("type")
        prepared[field] = connect(field, kind, prepared[field], spec.action.connections)
    return prepared
