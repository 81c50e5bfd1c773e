"""Workspaces, tasks and triggers, read from the catalog."""

from datetime import datetime
from typing import Any

from services.api.models.workspaces import (
    FlowStepView,
    InputFieldView,
    TaskDetail,
    TaskRow,
    TriggerView,
    WorkspaceRow,
    format_time,
)
from services.api.use_cases.webhook_names import find_taken
from shared.definition.connections import names_for
from shared.definition.cron import next_fires
from shared.definition.models import (
    StepDefinition,
    TaskDefinition,
    TriggerDefinition,
    WebhookTrigger,
    WorkspaceDefinition,
)
from shared.errors import NotFound
from shared.orchestration.catalog import Catalog, LoadedRevision
from shared.runtime.clock import Clock
from shared.storage.ports import FireStore, WorkspaceStore
from shared.storage.records import WorkspaceRecord

NEXT_RUNS = 5


async def list_workspaces(workspaces: WorkspaceStore, catalog: Catalog) -> list[WorkspaceRow]:
    """All workspaces, by name; one that could not be loaded has no counts and an `error`."""
    found = [(record, await _load(catalog, record)) for record in await workspaces.list_workspaces()]
    taken = find_taken([loaded for _, loaded in found if loaded is not None])
    return [_workspace_row(record, loaded, taken.get(record.name, [])) for record, loaded in found]


async def list_tasks(catalog: Catalog, workspace: str) -> list[TaskRow]:
    """The tasks of a workspace, by their keys."""
    return _task_rows(await catalog.current(workspace))


async def list_all_tasks(workspaces: WorkspaceStore, catalog: Catalog) -> list[TaskRow]:
    """The tasks of all workspaces that are loaded."""
    found: list[TaskRow] = []
    for record in await workspaces.list_workspaces():
        if (loaded := await _load(catalog, record)) is not None:
            found += _task_rows(loaded)
    return found


async def show_task(catalog: Catalog, fires: FireStore, clock: Clock, workspace: str, task: str) -> TaskDetail:
    """One task with its flow and triggers.

    Raises:
        NotFound: no such workspace or task; the text names it.
    """
    loaded = await catalog.current(workspace)
    definition = find_task(loaded, task)
    flow = {name: _step_view(task, name, step) for name, step in definition.flow.items()}
    fields = {
        name: InputFieldView.model_validate(field.model_dump(exclude_defaults=True))
        for name, field in definition.input.items()
    }
    triggers = [one for one in await _trigger_views(loaded, fires, clock) if one.task == task]
    return TaskDetail(
        **_task_row(loaded, task, definition).model_dump(),
        input=fields,
        flow=flow,
        triggers=triggers,
        timeout=definition.timeout,
        problems=definition.errors,
        connections=names_for(loaded.definition, definition.input) or None,
    )


async def list_triggers(catalog: Catalog, fires: FireStore, clock: Clock, workspace: str) -> list[TriggerView]:
    """The triggers of a workspace with their next fire times, disabled ones too."""
    return await _trigger_views(await catalog.current(workspace), fires, clock)


def find_task(loaded: LoadedRevision, task: str) -> TaskDefinition:
    """A task of a workspace.

    Raises:
        NotFound: there is none; the text names it.
    """
    if task not in loaded.definition.tasks:
        raise NotFound(f"Task '{task}' not found in workspace '{loaded.workspace}'")
    return loaded.definition.tasks[task]


async def _load(catalog: Catalog, record: WorkspaceRecord) -> LoadedRevision | None:
    if record.revision is None:
        return None
    try:
        return await catalog.current(record.name)
    except NotFound:  # removed since it was listed
        return None


def _workspace_row(record: WorkspaceRecord, loaded: LoadedRevision | None, taken: list[str]) -> WorkspaceRow:
    definition = loaded.definition if loaded else WorkspaceDefinition()
    return WorkspaceRow(
        name=record.name,
        tasks_count=len(definition.tasks),
        actions_count=len(definition.actions),
        triggers_count=len(definition.triggers),
        connections_count=len(definition.connections),
        revision=loaded.revision if loaded else record.revision,
        error=record.error,
        warnings=[*(str(problem) for problem in loaded.problems), *taken] if loaded else [],
    )


def _task_rows(loaded: LoadedRevision) -> list[TaskRow]:
    return [_task_row(loaded, name, task) for name, task in sorted(loaded.definition.tasks.items())]


def _task_row(loaded: LoadedRevision, key: str, task: TaskDefinition) -> TaskRow:
    return TaskRow(
        id=key,
        name=task.name or key,
        workspace=loaded.workspace,
        mode=task.mode,
        has_triggers=any(one.enabled and one.task == key for one in loaded.definition.triggers.values()),
        can_execute=not task.errors,
        folder=task.folder,
        description=task.description,
    )


def _step_view(task: str, name: str, step: StepDefinition) -> FlowStepView:
    return FlowStepView(
        action=step.action or f"_inline:{task}:{name}",
        type=step.type,
        name=step.name,
        description=step.description,
        depends_on=step.depends_on,
        input=step.input,
        continue_on_failure=step.continue_on_failure,
        timeout=step.timeout,
        when=step.when,
    )


async def _trigger_views(loaded: LoadedRevision, fires: FireStore, clock: Clock) -> list[TriggerView]:
    now, paused = clock.now(), await fires.load_paused()
    return [
        _trigger_view(name, trigger, now, is_paused=f"{loaded.workspace}/{name}" in paused)
        for name, trigger in sorted(loaded.definition.triggers.items())
    ]


def _trigger_view(name: str, trigger: TriggerDefinition, now: datetime, *, is_paused: bool) -> TriggerView:
    """What people may know of a trigger: neither a webhook's name nor its secret."""
    shared: dict[str, Any] = {
        "name": name,
        "type": trigger.type,
        "task": trigger.task,
        "enabled": trigger.enabled,
        "paused": is_paused,
        "input": trigger.input,
    }
    if isinstance(trigger, WebhookTrigger):
        return TriggerView(**shared, mode=trigger.mode, next_runs=[])
    fires = next_fires(trigger.cron, trigger.timezone, now, NEXT_RUNS)
    return TriggerView(
        **shared,
        cron=trigger.cron,
        timezone=trigger.timezone,
        catch_up=trigger.catch_up,
        concurrency=trigger.concurrency,
        next_runs=[format_time(at) for at in fires],
    )
