"""Checks what an action does: its script, arguments, environment and routing."""

import re
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath

from shared.definition.check_templates import check_all_templates, check_template
from shared.definition.models import ActionBody
from shared.definition.report import Place, Report, suggest
from shared.definition.templates import has_template

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INTERPRETER = re.compile(r"[A-Za-z0-9._\-/+]+")
_SCRIPT_KEYS = ("script", "source", "interpreter", "dependencies", "args")
TAGS = 8
LANGUAGES = frozenset({"shell", "python"})
"""What workers of this release run."""


def check_body(report: Report, place: Place, kind: str, body: ActionBody, files: AbstractSet[str] | None) -> None:
    """The keys of an action, or of an inline step, of type `kind`; `files` are the workspace's, None if unknown."""
    if kind == "task":
        _check_task_body(report, place, body)
        return
    if body.task is not None:
        report.error(place.down("task"), "`task` needs `type: task`", is_key=True)
    if (body.script is None) == (body.source is None):
        report.error(place, "write exactly one of `script` and `source`", is_key=True)
    if body.runner != "local":
        report.error(place.down("runner"), f"`runner: {body.runner}` is not supported in this release")
    if body.language not in LANGUAGES:
        report.error(place.down("language"), f"`language: {body.language}` is not supported in this release")
    if body.dependencies:
        report.error(place.down("dependencies"), "`dependencies` are not supported in this release", is_key=True)
    if body.source is not None:
        _check_source(report, place.down("source"), body.source, files)
    _check_texts(report, place, body)
    _check_tags(report, place, body)
    _check_body_templates(report, place)


def _check_task_body(report: Report, place: Place, body: ActionBody) -> None:
    if not body.task:
        report.error(place, "`type: task` needs `task`", is_key=True)
    for key in _SCRIPT_KEYS:
        if key in place.data:
            report.error(place.down(key), f"`{key}` has no place in `type: task`", is_key=True)


def _check_source(report: Report, place: Place, source: str, files: AbstractSet[str] | None) -> None:
    pure = PurePosixPath(source)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        report.error(place, f"`source` must stay inside the workspace, '{source}' does not")
    elif files is not None and not has_template(source) and pure.as_posix() not in files:
        report.error(place, f"the workspace has no file '{source}'", fix=suggest(source, files))


def _check_texts(report: Report, place: Place, body: ActionBody) -> None:
    if body.interpreter is not None and not _INTERPRETER.fullmatch(body.interpreter):
        report.error(place.down("interpreter"), f"'{body.interpreter}' is no name of an interpreter")
    for index, argument in enumerate(body.args):
        if not argument:
            report.error(place.down("args", index), "an argument is empty")
    for name in body.env:
        if not _VARIABLE.fullmatch(name):
            report.error(place.down("env", name), f"'{name}' is no name of an environment variable", is_key=True)


def _check_tags(report: Report, place: Place, body: ActionBody) -> None:
    if len(body.tags) > TAGS:
        report.error(place.down("tags"), f"more than {TAGS} tags")
    for index, tag in enumerate(body.tags):
        if not _TAG.fullmatch(tag):
            report.error(place.down("tags", index), f"the tag '{tag}' has a character beside letters, digits and ._-")


def _check_body_templates(report: Report, place: Place) -> None:
    for key in ("script", "source"):
        if isinstance(place.data.get(key), str):
            check_template(report, place.down(key))
    for key in ("args", "env"):
        if key in place.data:
            check_all_templates(report, place.down(key))
