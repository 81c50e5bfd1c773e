"""Libraries: actions and tasks of another source, as `lib.NAME`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2s
from typing import TypeVar

from shared.definition.connection_models import ConnectionProperty
from shared.definition.inline import split_inline_input
from shared.definition.keys import HOOK_LISTS
from shared.definition.models import (
    ActionDefinition,
    InputField,
    StepDefinition,
    TaskDefinition,
    WorkspaceDefinition,
)
from shared.definition.problems import Problem
from shared.definition.snapshot import FILES, TOTAL_BYTES, FileContent, Snapshot
from shared.errors import Rejected

FOLDER = "_libraries"
"""Where a revision's archive holds the libraries' files."""

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}")
_SUBJECTS = ("action ", "task ", "connection type ")
_Body = TypeVar("_Body", ActionDefinition, StepDefinition)


@dataclass(frozen=True, slots=True)
class Library:
    """What a library offers, under the names by which workspaces know it; `files` by their paths in the archive."""

    name: str
    revision: str
    actions: Mapping[str, ActionDefinition] = field(default_factory=dict)
    tasks: Mapping[str, TaskDefinition] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    files: Mapping[str, FileContent] = field(default_factory=dict)
    connection_types: Mapping[str, dict[str, ConnectionProperty]] = field(default_factory=dict)


def to_library(
    name: str, revision: str, definition: WorkspaceDefinition, problems: Iterable[Problem], snapshot: Snapshot
) -> Library:
    """The library of this name, made of what was loaded like a workspace.

    What refers to something inside is rewritten: action `send` of library `mail` is `mail.send`, its `source: send.sh`
    is `_libraries/mail/send.sh`. Triggers, secrets, connections and hooks of the whole are left
    behind.
    """
    types = {key: f"{name}.{key}" for key in definition.connection_types}
    return Library(
        name,
        revision,
        {f"{name}.{key}": _rewrite_action(name, action, types) for key, action in definition.actions.items()},
        {f"{name}.{key}": _rewrite_task(name, task, types) for key, task in definition.tasks.items()},
        tuple(_rewrite_problem(name, problem) for problem in problems),
        {f"{FOLDER}/{name}/{path}": content for path, content in snapshot.files.items()},
        {types[key]: properties for key, properties in definition.connection_types.items()},
    )


def overlay(snapshot: Snapshot, libraries: Sequence[Library]) -> Snapshot:
    """The workspace's files with the libraries' laid over them.

    Raises:
        Rejected: together they are more than a workspace may be.
    """
    files = dict(snapshot.files)
    refused = dict(snapshot.refused)
    for library in libraries:
        for path in [path for path in files if path.startswith(f"{FOLDER}/{library.name}/")]:
            del files[path]
            refused[path] = f"this folder belongs to the library '{library.name}'"
        files |= library.files
    if len(files) > FILES or sum(len(file.content) for file in files.values()) > TOTAL_BYTES:
        raise Rejected(f"workspace and libraries have more than {FILES} files or {TOTAL_BYTES} bytes together")
    return Snapshot(dict(sorted(files.items())), refused)


def join_revision(revision: str, libraries: Sequence[Library]) -> str:
    """The revision of a workspace with its libraries: `<its own>.<12 digits of theirs>`; without any, its own."""
    if not libraries:
        return revision
    digest = blake2s("".join(f"{library.name}\0{library.revision}\0" for library in libraries).encode())
    return f"{revision}.{digest.hexdigest()[:12]}"


def _rewrite_body(library: str, body: _Body) -> _Body:
    changes: dict[str, str] = {}
    if body.task is not None:
        changes["task"] = f"{library}.{body.task}"
    if body.source is not None:
        changes["source"] = f"{FOLDER}/{library}/{body.source}"
    return body.model_copy(update=changes)


def _rewrite_action(library: str, action: ActionDefinition, types: Mapping[str, str]) -> ActionDefinition:
    return _rewrite_body(library, action).model_copy(update={"input": _rewrite_fields(action.input, types)})


def _rewrite_fields(fields: Mapping[str, InputField], types: Mapping[str, str]) -> dict[str, InputField]:
    """The fields, those of connections with the type's new name."""
    return {
        name: declared.model_copy(update={"type": types[declared.type]}) if declared.type in types else declared
        for name, declared in fields.items()
    }


def _rewrite_task(library: str, task: TaskDefinition, types: Mapping[str, str]) -> TaskDefinition:
    hooks = {
        key: [hook.model_copy(update={"action": f"{library}.{hook.action}"}) for hook in getattr(task, key)]
        for key in HOOK_LISTS
    }
    flow = {name: _rewrite_step(library, step, types) for name, step in task.flow.items()}
    fields = _rewrite_fields(task.input, types)
    return task.model_copy(update={"flow": flow, "input": fields, "errors": [], **hooks})


def _rewrite_step(library: str, step: StepDefinition, types: Mapping[str, str]) -> StepDefinition:
    rewritten = _rewrite_body(library, step)
    if step.action is None:
        declared, _ = split_inline_input(step.input, types.keys())
        retyped = {name: {**step.input[name], "type": types.get(one.type, one.type)} for name, one in declared.items()}
        return rewritten.model_copy(update={"input": {**step.input, **retyped}})
    return rewritten.model_copy(update={"action": f"{library}.{step.action}"})


def _rewrite_problem(library: str, problem: Problem) -> Problem:
    subject = problem.subject
    for kind in _SUBJECTS:
        if subject.startswith(kind):
            subject = f"{kind}{library}.{subject.removeprefix(kind)}"
    return replace(problem, file=f"{FOLDER}/{library}/{problem.file}", subject=subject)
