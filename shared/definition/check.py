"""From the files' data to one definition and everything that is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from shared.definition.check_actions import check_actions
from shared.definition.check_connections import ConnectionType, check_connection_types, check_connections
from shared.definition.check_secrets import check_secrets
from shared.definition.check_steps import Surroundings
from shared.definition.check_tasks import check_hooks, check_tasks, hook_places
from shared.definition.check_triggers import check_triggers
from shared.definition.keys import FEATURES_OF_FILE_KEYS, FILE_KEYS, HOOK_LISTS, LATER_FILE_KEYS, check_keys
from shared.definition.libraries import Library
from shared.definition.models import ActionDefinition, HookDefinition, TaskDefinition, WorkspaceDefinition
from shared.definition.problems import Problem
from shared.definition.read_part import read_maps
from shared.definition.read_yaml import Document
from shared.definition.report import Place, Report
from shared.definition.sealed import new_nonce

_SECTIONS = {
    "actions": "action",
    "tasks": "task",
    "triggers": "trigger",
    "connection_types": "connection type",
    "connections": "connection",
}


def check(
    documents: Sequence[Document],
    report: Report,
    files: AbstractSet[str] | None = None,
    libraries: Sequence[Library] = (),
) -> WorkspaceDefinition:
    """Merge the files, later ones winning by name, and check the whole; `files` are those of the workspace.

    Hook lists are joined. What has errors is told in `report` and marked or left out; the rest can be used.
    """
    usable = [document for document in documents if _check_file(report, document)]
    places = {section: _merge(report, usable, section) for section in _SECTIONS}
    shared_actions, shared_tasks, shared_types = _import(report, places, libraries)
    secrets = check_secrets(report, usable)
    types = check_connection_types(report, places["connection_types"]) | shared_types
    connections, hidden = check_connections(report, places["connections"], types)
    secrets |= hidden
    task_names = places["tasks"].keys() | shared_tasks.keys()
    actions = check_actions(report, places["actions"], task_names, files) | shared_actions
    around = Surroundings(actions, places["actions"].keys() | shared_actions.keys(), task_names, files)
    tasks = check_tasks(report, places["tasks"], around) | shared_tasks
    triggers = check_triggers(report, places["triggers"], task_names)
    hooks = {key: _workspace_hooks(report, usable, key, actions.keys()) for key in HOOK_LISTS}
    marked = {name: _mark(report, name, task) for name, task in tasks.items()}
    nonce = new_nonce() if secrets else ""
    return WorkspaceDefinition(
        actions=actions,
        tasks=marked,
        triggers=triggers,
        secrets=secrets,
        seal_nonce=nonce,
        connection_types=types,
        connections=connections,
        **hooks,
    )


def _import(
    report: Report, places: Mapping[str, dict[str, Place]], libraries: Sequence[Library]
) -> tuple[dict[str, ActionDefinition], dict[str, TaskDefinition], dict[str, ConnectionType]]:
    """What the libraries offer; of two things with the same name, the library's wins."""
    actions: dict[str, ActionDefinition] = {}
    tasks: dict[str, TaskDefinition] = {}
    types: dict[str, ConnectionType] = {}
    for library in libraries:
        report.problems += library.problems
        actions |= library.actions
        tasks |= library.tasks
        types |= library.connection_types
        offered: dict[str, Mapping[str, object]] = {"actions": actions, "tasks": tasks, "connection_types": types}
        for section, names in offered.items():
            for name in [name for name in places[section] if name in names]:
                told = f"the library '{library.name}' also has the {_SECTIONS[section]} '{name}'; the library's wins"
                report.warn(places[section].pop(name), told, is_key=True)
    return actions, tasks, types


def problems_of_task(definition: WorkspaceDefinition, problems: Iterable[Problem], task: str) -> tuple[Problem, ...]:
    """What is wrong with a task and with the actions that it uses, warnings included."""
    found = definition.tasks.get(task)
    subjects = {f"task {task}", *(f"action {name}" for name in (_actions_of(found) if found else ()))}
    return tuple(problem for problem in problems if problem.subject in subjects)


def _check_file(report: Report, document: Document) -> bool:
    place = Place(document, (), f"file {document.file}")
    if document.data is None:
        return False
    if not isinstance(document.data, dict):
        report.error(place, "a workflow file must be a map with `actions`, `tasks` or `triggers`")
        return False
    check_keys(report, place, FILE_KEYS, LATER_FILE_KEYS, FEATURES_OF_FILE_KEYS)
    return True


def _merge(report: Report, documents: Sequence[Document], section: str) -> dict[str, Place]:
    merged: dict[str, Place] = {}
    what = _SECTIONS[section]
    for document in documents:
        if section not in document.data:
            continue
        place = Place(document, (section,), f"file {document.file}")
        for name, spot in read_maps(report, place, section).items():
            earlier = merged.pop(name, None)
            merged[name] = spot.about(f"{what} {name}")
            if earlier is not None:
                line, _ = earlier.document.spot_of(earlier.path, is_key=True)
                where = f"{earlier.document.file}:{line}"
                report.warn(merged[name], f"the {what} '{name}' also stands in {where}; this one wins", is_key=True)
    return merged


def _workspace_hooks(
    report: Report, documents: Sequence[Document], key: str, action_names: AbstractSet[str]
) -> list[HookDefinition]:
    found: list[HookDefinition] = []
    for document in documents:
        place = Place(document, (), f"workspace {key}")
        for spot in hook_places(report, place, key):
            before = len(report.problems)
            hooks = check_hooks(report, [spot], action_names)
            is_told = any(problem.is_error for problem in report.problems[before:])
            found += [hook for hook in hooks if not is_told and not report.errors_about(f"action {hook.action}")]
    return found


def _mark(report: Report, name: str, task: TaskDefinition) -> TaskDefinition:
    subjects = [f"task {name}", *(f"action {action}" for action in _actions_of(task))]
    errors = [str(problem) for subject in subjects for problem in report.errors_about(subject)]
    return task.model_copy(update={"errors": errors}) if errors else task


def _actions_of(task: TaskDefinition) -> list[str]:
    """The named actions of the task's steps and hooks."""
    used = [step.action for step in task.flow.values() if step.action]
    used += [hook.action for key in HOOK_LISTS for hook in getattr(task, key)]
    return list(dict.fromkeys(used))
