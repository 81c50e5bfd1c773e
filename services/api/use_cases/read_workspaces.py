"""Workspaces, tasks and triggers, read from the catalog."""

from services.api.models.workspaces import (
    FlowStepView,
    InputFieldView,
    TaskDetail,
    TaskRow,
    TriggerView,
    WorkspaceRow,
    format_time,
)
from shared.definition.cron import next_fires
from shared.definition.models import StepDefinition, TaskDefinition, WorkspaceDefinition
from shared.errors import NotFound
from shared.orchestration.catalog import Catalog, LoadedRevision
from shared.runtime.clock import Clock
from shared.storage.ports import WorkspaceStore
from shared.storage.records import WorkspaceRecord

NEXT_RUNS = 5


async def list_workspaces(workspaces: WorkspaceStore, catalog: Catalog) -> list[WorkspaceRow]:
    """All workspaces, by name; one that could not be loaded has no counts and an `error`."""
    return [await _workspace_row(record, catalog) for record in await workspaces.list_workspaces()]


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


async def show_task(catalog: Catalog, clock: Clock, workspace: str, task: str) -> TaskDetail:
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
    triggers = [one for one in _trigger_views(loaded.definition, clock) if one.task == task]
    return TaskDetail(
        **_task_row(loaded, task, definition).model_dump(),
        input=fields,
        flow=flow,
        triggers=triggers,
        timeout=definition.timeout,
        problems=definition.errors,
    )


async def list_triggers(catalog: Catalog, clock: Clock, workspace: str) -> list[TriggerView]:
    """The triggers of a workspace with their next fire times, disabled ones too."""
    return _trigger_views((await catalog.current(workspace)).definition, clock)


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


async def _workspace_row(record: WorkspaceRecord, catalog: Catalog) -> WorkspaceRow:
    loaded = await _load(catalog, record)
    definition = loaded.definition if loaded else WorkspaceDefinition()
    return WorkspaceRow(
        name=record.name,
        tasks_count=len(definition.tasks),
        actions_count=len(definition.actions),
        triggers_count=len(definition.triggers),
        revision=loaded.revision if loaded else record.revision,
        error=record.error,
        warnings=[str(problem) for problem in loaded.problems] if loaded else [],
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


def _trigger_views(definition: WorkspaceDefinition, clock: Clock) -> list[TriggerView]:
    now = clock.now()
    return [
        TriggerView(
            name=name,
            type=trigger.type,
            cron=trigger.cron,
            timezone=trigger.timezone,
            task=trigger.task,
            enabled=trigger.enabled,
            input=trigger.input,
            next_runs=[format_time(at) for at in next_fires(trigger.cron, trigger.timezone, now, NEXT_RUNS)],
        )
        for name, trigger in sorted(definition.triggers.items())
    ]
