"""Checks the steps of a task's flow, one by one and together."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from shared.definition.check_body import check_body, check_own_inputs
from shared.definition.check_fields import check_field
from shared.definition.check_loop import check_loop
from shared.definition.check_retry import check_retry
from shared.definition.check_templates import check_template, check_values
from shared.definition.durations import DAY
from shared.definition.graph import ancestors, find_cycle
from shared.definition.inline import split_inline_input
from shared.definition.keys import (
    FEATURES_OF_STEP_KEYS,
    LATER_ACTION_KEYS,
    STEP_KEYS,
    check_action_type,
    check_keys,
)
from shared.definition.models import ActionBody, ActionDefinition, StepDefinition
from shared.definition.names import check_name, variable
from shared.definition.read_part import read_maps, read_part
from shared.definition.report import Place, Report, suggest
from shared.definition.supported import is_open, refusal

LONGEST_STEP = DAY
STEPS = 1000
"""Most steps of a flow: a job is one document."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What steps refer to: the workspace's actions (those that could be read, and all names), tasks, files."""

    actions: Mapping[str, ActionDefinition]
    action_names: AbstractSet[str]
    task_names: AbstractSet[str]
    files: AbstractSet[str] | None


def check_steps(report: Report, place: Place, around: Surroundings, task: str) -> dict[str, StepDefinition]:
    """The steps of the task's flow, at `place`, that could be read."""
    places = read_maps(report, place, "flow")
    if not places and isinstance(place.data, dict):
        report.error(place, "`flow` needs at least one step", is_key=True)
    if len(places) > STEPS:
        report.error(place, f"a flow has at most {STEPS} steps", is_key=True)
    steps: dict[str, StepDefinition] = {}
    for name, spot in places.items():
        check_name(report, spot, "step", name)
        step = _check_step(report, spot, around)
        if step is not None:
            steps[name] = step
            _check_subjob(report, spot, step, around, task)
    _check_dependencies(report, place, steps, set(places))
    _check_references(report, place, steps)
    return steps


def _check_step(report: Report, place: Place, around: Surroundings) -> StepDefinition | None:
    kind = place.data.get("type")
    if isinstance(kind, str) and not check_action_type(report, place.down("type"), kind):
        return None
    check_keys(report, place, STEP_KEYS, LATER_ACTION_KEYS, FEATURES_OF_STEP_KEYS)
    step = read_part(StepDefinition, place.data, report, place)
    if step is None:
        return None
    if step.timeout is not None and step.timeout > LONGEST_STEP:
        report.error(place.down("timeout"), "a step's time-out is at most 24h")
    if (step.action is None) == (step.type is None):
        report.error(place, "write exactly one of `action` and `type`", is_key=True)
    elif step.action is not None:
        _check_action_of_step(report, place, step.action, around)
    else:
        _check_inline(report, place, step, around)
    check_retry(report, place, step.retry, _kind_of(step, around))
    check_loop(report, place, step)
    return step


def _kind_of(step: StepDefinition, around: Surroundings) -> str | None:
    if step.action is None:
        return step.type
    action = around.actions.get(step.action)
    return action.type if action is not None else None


def _check_subjob(report: Report, place: Place, step: StepDefinition, around: Surroundings, task: str) -> None:
    """A task may start others, and those it again, as deep as jobs go; itself at once it may not."""
    if _kind_of(step, around) != "task":
        return
    key = "action" if step.action is not None else "type"
    if not is_open("task"):
        report.error(place.down(key), refusal("task"))
        return
    started = around.actions[step.action].task if step.action is not None else step.task
    if started == task:
        report.error(place.down(key), f"the task '{task}' starts itself, without end")


def _check_action_of_step(report: Report, place: Place, name: str, around: Surroundings) -> None:
    for key in place.data:
        if key in ActionBody.model_fields:
            report.warn(place.down(key), f"`{key}` has no effect beside `action`", is_key=True)
    check_action_name(report, place.down("action"), name, around.action_names)


def check_action_name(report: Report, place: Place, name: str, known: AbstractSet[str]) -> bool:
    """Whether the workspace declares the action; if not, an error is reported."""
    if name in known:
        return True
    later = "; other workspaces' actions are not supported in this release" if "." in name else ""
    report.error(place, f"unknown action '{name}'{later}", fix=suggest(name, known))
    return False


def _check_inline(report: Report, place: Place, step: StepDefinition, around: Surroundings) -> None:
    check_body(report, place, step.type or "", step, around.files)
    if step.type == "task" and step.task and step.task not in around.task_names:
        report.error(place.down("task"), f"unknown task '{step.task}'", fix=suggest(step.task, around.task_names))
    fields, _ = split_inline_input(step.input, report.types)
    for name, field in fields.items():
        check_field(report, place.down("input", name), field)
    check_own_inputs(report, place, step.type or "", step.input.keys())


def _check_dependencies(
    report: Report, place: Place, steps: Mapping[str, StepDefinition], names: AbstractSet[str]
) -> None:
    for name, step in steps.items():
        for index, dependency in enumerate(step.depends_on):
            if dependency not in names:
                spot = place.down(name, "depends_on", index)
                report.error(spot, f"unknown step '{dependency}' in `depends_on`", fix=suggest(dependency, names))
    cycle = find_cycle({name: step.depends_on for name, step in steps.items()})
    if cycle:
        way = " -> ".join(cycle)
        report.error(place.down(cycle[0], "depends_on"), f"the steps depend on each other in a cycle: {way}")


def _check_references(report: Report, place: Place, steps: Mapping[str, StepDefinition]) -> None:
    by_variable = {variable(name): name for name in reversed(list(steps))}
    before = ancestors({name: step.depends_on for name, step in steps.items()})
    for name, step in steps.items():
        used = _variables_of(report, place.down(name), step, {"input", *by_variable})
        for one in sorted(used & set(by_variable)):
            other = by_variable[one]
            if other not in before[name]:
                report.warn(
                    place.down(name),
                    f"'{name}' reads the output of '{other}', which may not have ended",
                    fix=f"add it to `depends_on`: [{', '.join([*step.depends_on, other])}]",
                    is_key=True,
                )


def _variables_of(report: Report, place: Place, step: StepDefinition, known: AbstractSet[str]) -> AbstractSet[str]:
    """What the templates of the step itself read."""
    used: set[str] = set()
    if step.when is not None:
        used |= check_template(report, place.down("when"), known)
    if isinstance(step.for_each, str):
        used |= check_template(report, place.down("for_each"), known)
    if step.input:
        inside = known | {"secret"} if step.for_each is None else known | {"secret", "each"}
        used |= check_values(report, place.down("input"), inside)
    return used - {"each"} if step.for_each is not None else used
