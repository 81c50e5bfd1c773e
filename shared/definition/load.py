"""Loads a workspace from its folder: a bad file never takes the good ones down."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shared.definition.check import check
from shared.definition.compose_yaml import Unreadable
from shared.definition.libraries import Library, join_revision, overlay, to_library
from shared.definition.models import WorkspaceDefinition
from shared.definition.problems import Problem, Severity
from shared.definition.read_yaml import Document, read_yaml
from shared.definition.report import Report
from shared.definition.snapshot import Snapshot, take_snapshot

WORKFLOW_FOLDER = ".workflows"
LEVELS = 10
"""Deepest folder, counted from where workflow files begin, in which they are looked for."""


@dataclass(frozen=True, slots=True)
class LoadedWorkspace:
    """A workspace as it was at `revision`; `snapshot` has the very files that it was loaded from."""

    definition: WorkspaceDefinition
    problems: tuple[Problem, ...]
    revision: str
    snapshot: Snapshot


def load_folder(folder: Path) -> LoadedWorkspace:
    """Read and check the workspace in `folder`. It reads up to 50 MiB: call it in a thread.

    Raises:
        NotFound, Rejected, Unavailable: as `take_snapshot`.
    """
    return load_snapshot(take_snapshot(folder))


def load_snapshot(
    snapshot: Snapshot, *, revision: str | None = None, libraries: Sequence[Library] = ()
) -> LoadedWorkspace:
    """Check the workspace in `snapshot`, which is at `revision` (if None: a digest of its content), with libraries.

    Raises:
        Rejected: workspace and libraries are too large together.
    """
    report = Report()
    whole = overlay(snapshot, libraries)
    for path, reason in whole.refused.items():
        _refuse(report, path, f"the file is left out: {reason}")
    documents = list(_read_all(snapshot, report))
    definition = check(documents, report, whole.files.keys(), libraries)
    definition = _add_folders(definition, documents)
    joined = join_revision(revision or snapshot.revision, libraries)
    return LoadedWorkspace(definition, _sorted(report), joined, whole)


def load_library(name: str, snapshot: Snapshot, revision: str) -> Library:
    """Check the library in `snapshot` as if it were a workspace, and give it its names."""
    loaded = load_snapshot(snapshot)
    return to_library(name, revision, loaded.definition, loaded.problems, snapshot)


def check_text(text: bytes, file: str = "text.yaml") -> tuple[WorkspaceDefinition, tuple[Problem, ...]]:
    """Check one file's text on its own, without the workspace's other files."""
    return check_texts({file: text})


def check_texts(texts: Mapping[str, bytes]) -> tuple[WorkspaceDefinition, tuple[Problem, ...]]:
    """Check workflow files together, in the order of their names, without the workspace's other files."""
    report = Report()
    documents = [_read(file, texts[file], report) for file in sorted(texts)]
    definition = check([document for document in documents if document is not None], report)
    return definition, _sorted(report)


def _read_all(snapshot: Snapshot, report: Report) -> Iterator[Document]:
    prefix = WORKFLOW_FOLDER + "/"
    root = prefix if any(path.startswith(prefix) for path in snapshot.files) else ""
    for path in sorted(snapshot.files):
        inside = PurePosixPath(path.removeprefix(root))
        is_found = path.startswith(root) and inside.suffix in (".yaml", ".yml") and len(inside.parts) <= LEVELS
        if not is_found or inside.name.endswith((".rehearsal.yaml", ".rehearsal.yml")):
            continue
        if inside.name.endswith((".sops.yaml", ".sops.yml")):
            _refuse(report, path, "encrypted files are not supported in this release; the file is left out")
            continue
        document = _read(path, snapshot.files[path].content, report)
        if document is not None:
            yield document


def _read(file: str, content: bytes, report: Report) -> Document | None:
    try:
        return read_yaml(content, file)
    except Unreadable as error:
        line, column = error.spot
        message = f"{error.message}; the file is left out"
        report.problems.append(Problem(Severity.ERROR, message, file, line, column, f"file {file}"))
        return None


def _refuse(report: Report, file: str, message: str) -> None:
    report.problems.append(Problem(Severity.ERROR, message, file, subject=f"file {file}"))


def _add_folders(definition: WorkspaceDefinition, documents: list[Document]) -> WorkspaceDefinition:
    """A task without `folder` gets the sub-folder of `.workflows` that its file lies in."""
    folders = {name: _folder_of(document) for document in documents for name in _names_of_tasks(document)}
    tasks = {
        name: task.model_copy(update={"folder": folders[name]}) if not task.folder and folders.get(name) else task
        for name, task in definition.tasks.items()
    }
    return definition.model_copy(update={"tasks": tasks})


def _names_of_tasks(document: Document) -> list[str]:
    tasks = document.data.get("tasks") if isinstance(document.data, dict) else None
    return list(tasks) if isinstance(tasks, dict) else []


def _folder_of(document: Document) -> str | None:
    path = PurePosixPath(document.file)
    if path.parts[0] != WORKFLOW_FOLDER or len(path.parts) <= 2:  # noqa: PLR2004 - the folder and the file itself
        return None
    return PurePosixPath(*path.parts[1:-1]).as_posix()


def _sorted(report: Report) -> tuple[Problem, ...]:
    return tuple(sorted(report.problems, key=lambda problem: (problem.file, problem.line, problem.column)))
