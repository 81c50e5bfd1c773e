"""From a task's definition to the flow that the engine runs."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.definition.action_types import ACTION_TYPES
from shared.definition.check_loop import as_items
from shared.definition.connections import connections_for
from shared.definition.inline import inline_action, inline_name, split_inline_input
from shared.definition.models import (
    ActionDefinition,
    HookDefinition,
    RetryDefinition,
    StepDefinition,
    WorkspaceDefinition,
)
from shared.definition.sealed import SPEC_KEY, Seal, with_secrets
from shared.definition.templates import JinjaRenderer
from shared.engine.flow import Action, Backoff, Flow, Hook, Loop, Retry, StepSpec
from shared.errors import InvalidInput, NotFound

HOOK_STEP = "hook"
_RENDERER = JinjaRenderer()
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
        on_cancel=_hooks(definition, found.on_cancel or definition.on_cancel),
        on_suspended=_hooks(definition, found.on_suspended or definition.on_suspended),
        retry=_retry(found.retry),
        max_parallel_steps=found.max_parallel_steps,
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
        return task, replace(flow, on_success=(), on_error=(), on_cancel=(), on_suspended=(), retry=None)
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
        written = inline_action(step, definition.connection_types.keys())
        action = _action(definition, inline_name(task, name), written)
        _, values = split_inline_input(step.input, definition.connection_types.keys())
    else:
        written = definition.actions[step.action]
        action, values = _action(definition, step.action, written), step.input
    return StepSpec(
        name=name,
        action=action,
        depends_on=tuple(dict.fromkeys(step.depends_on)),
        input=_with_secrets(definition, values),
        when=step.when,
        continue_on_failure=step.continue_on_failure,
        timeout=_timeout(step.timeout, default_timeout),
        title=step.name,
        description=step.description,
        retry=_retry(step.retry or written.retry),
        loop=_loop(step),
    )


def _loop(step: StepDefinition) -> Loop | None:
    if step.for_each is None:
        return None
    return Loop(as_items(step.for_each), step.sequential, step.max_parallel)


def _retry(retry: RetryDefinition | None) -> Retry | None:
    if retry is None:
        return None
    return Retry(
        retry.max_attempts,
        timedelta(seconds=retry.delay),
        Backoff(retry.backoff),
        _timeout(retry.max_delay, None),
        retry.jitter,
    )


def _action(definition: WorkspaceDefinition, name: str, action: ActionDefinition) -> Action:
    schema = {field: declared.model_dump(mode="json", exclude_unset=True) for field, declared in action.input.items()}
    kind = ACTION_TYPES[action.type]
    spec = action.model_dump(mode="json", include=set(kind.spec), exclude_defaults=True)
    connections = connections_for(definition, action.input)
    if not kind.ability:
        return Action(name, action.type, "", "none", spec, schema, connections)
    if action.type == "script":
        spec["language"] = _LANGUAGES.get(action.language, action.language)
    if definition.secrets:
        spec = {**_with_secrets(definition, spec), SPEC_KEY: _seal(definition).to_spec()}
    runner = "docker" if action.type == "docker" else action.runner
    ability = "docker" if runner == "docker" else kind.ability
    return Action(name, action.type, route_of(ability, action.tags), runner, spec, schema, connections)


def _seal(definition: WorkspaceDefinition) -> Seal:
    return Seal(definition.seal_nonce, definition.secrets)


def _with_secrets(definition: WorkspaceDefinition, value: Any) -> Any:
    """The value with tokens for the secrets that its templates name."""
    if not definition.secrets:
        return value
    if isinstance(value, Mapping):
        return {key: _with_secrets(definition, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_secrets(definition, item) for item in value]
    if isinstance(value, str) and "secret" in value and "secret" in _RENDERER.names(value):
        return with_secrets(value, _seal(definition))
    return value


def _hooks(definition: WorkspaceDefinition, hooks: Iterable[HookDefinition]) -> tuple[Hook, ...]:
    return tuple(
        Hook(_action(definition, hook.action, definition.actions[hook.action]), _with_secrets(definition, hook.input))
        for hook in hooks
    )


def _timeout(seconds: int | None, default: timedelta | None) -> timedelta | None:
    return default if seconds is None else timedelta(seconds=seconds)
