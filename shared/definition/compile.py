"""From a task's definition to the flow that the engine runs."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.definition.inline import inline_action, inline_name, split_inline_input
from shared.definition.models import ActionDefinition, HookDefinition, StepDefinition, WorkspaceDefinition
from shared.engine.flow import Action, Flow, Hook, StepSpec
from shared.errors import InvalidInput, NotFound

HOOK_STEP = "hook"
_SPEC_KEYS = ("script", "source", "language", "interpreter", "args", "env", "dependencies")
_LANGUAGES = {"js": "javascript", "ts": "typescript"}


def compile_flow(
    definition: WorkspaceDefinition,
    task: str,
    *,
    default_step_timeout: timedelta | None = None,
    default_job_timeout: timedelta | None = None,
) -> Flow:
    """The task's flow: actions resolved, inline ones hoisted, time-outs filled in, hooks chosen.

    The hooks of an event are the task's list if it has one, else the workspace's.

    Raises:
        NotFound: the workspace has no such task.
        InvalidInput: the task has errors; `problems` has each.
    """
    found = definition.tasks.get(task)
    if found is None:
        raise NotFound(f"the workspace has no task '{task}'")
    if found.errors:
        problems = [{"loc": f"task.{task}", "msg": error} for error in found.errors]
        raise InvalidInput(f"the task '{task}' is invalid: {'; '.join(found.errors)}", problems=problems)
    return Flow(
        steps={name: _step(definition, task, name, step, default_step_timeout) for name, step in found.flow.items()},
        timeout=_timeout(found.timeout, default_job_timeout),
        on_success=_hooks(definition, found.on_success or definition.on_success),
        on_error=_hooks(definition, found.on_error or definition.on_error),
    )


def compile_hook_flow(
    definition: WorkspaceDefinition,
    hook: Hook,
    *,
    default_step_timeout: timedelta | None = None,
    default_job_timeout: timedelta | None = None,
) -> tuple[str, Flow]:
    """The task name and flow of a hook's job, whose input is the hook's rendered input; it has no hooks itself.

    `_hook:{action}` with one step `hook`; of an action of type `task`, that task.

    Raises:
        NotFound, InvalidInput: as `compile_flow`, for an action of type `task`.
    """
    if hook.action.type == "task":
        task = str(hook.action.spec["task"])
        flow = compile_flow(
            definition, task, default_step_timeout=default_step_timeout, default_job_timeout=default_job_timeout
        )
        return task, replace(flow, on_success=(), on_error=())
    passed = {key: _pass_on(key, value) for key, value in hook.input.items()}
    step = StepSpec(HOOK_STEP, hook.action, input=passed, timeout=default_step_timeout)
    return f"_hook:{hook.action.name}", Flow({HOOK_STEP: step}, timeout=default_job_timeout)


def route_of(ability: str, tags: Iterable[str]) -> str:
    """Ability and sorted tags: `script+gpu`."""
    return "+".join((ability, *sorted(set(tags))))


def _pass_on(key: str, value: Any) -> Any:
    """A text was rendered for the job's input and is read from there, so that what it says is not rendered again."""
    if not isinstance(value, str):
        return value
    return f"{{{{ input.{key} }}}}" if key.isidentifier() and key.isascii() else f"{{{{ input[{json.dumps(key)}] }}}}"


def _step(
    definition: WorkspaceDefinition, task: str, name: str, step: StepDefinition, default_timeout: timedelta | None
) -> StepSpec:
    if step.action is None:
        action = _action(inline_name(task, name), inline_action(step))
        _, values = split_inline_input(step.input)
    else:
        action, values = _action(step.action, definition.actions[step.action]), step.input
    return StepSpec(
        name=name,
        action=action,
        depends_on=tuple(dict.fromkeys(step.depends_on)),
        input=values,
        when=step.when,
        continue_on_failure=step.continue_on_failure,
        timeout=_timeout(step.timeout, default_timeout),
        title=step.name,
        description=step.description,
    )


def _action(name: str, action: ActionDefinition) -> Action:
    schema = {field: declared.model_dump(mode="json", exclude_unset=True) for field, declared in action.input.items()}
    if action.type == "task":
        return Action(name, "task", route="", runner="none", spec={"task": action.task}, input=schema)
    written = action.model_dump(mode="json", include=set(_SPEC_KEYS), exclude_defaults=True)
    language = _LANGUAGES.get(action.language, action.language)
    spec = {**written, "language": language}
    return Action(name, action.type, route_of("script", action.tags), action.runner, spec, schema)


def _hooks(definition: WorkspaceDefinition, hooks: Iterable[HookDefinition]) -> tuple[Hook, ...]:
    return tuple(Hook(_action(hook.action, definition.actions[hook.action]), hook.input) for hook in hooks)


def _timeout(seconds: int | None, default: timedelta | None) -> timedelta | None:
    return default if seconds is None else timedelta(seconds=seconds)
