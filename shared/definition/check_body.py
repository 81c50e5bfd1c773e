"""Checks what an action does: its script, arguments, environment and routing."""

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from shared.definition.action_types import ACTION_TYPES, BODY_KEYS, ActionType
from shared.definition.check_containers import check_container, check_runner
from shared.definition.check_templates import RENDERER, check_all_templates, check_template
from shared.definition.durations import DAY
from shared.definition.models import ActionBody
from shared.definition.read_yaml import walk
from shared.definition.report import Place, Report, suggest
from shared.definition.supported import is_open
from shared.definition.templates import has_template
from shared.engine.decision import RenderFailed

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_INTERPRETER = re.compile(r"[A-Za-z0-9._\-/+]+")
TAGS = 8
SMALLEST_MEMORY_BYTES = 4 * 1024 * 1024
LANGUAGES = frozenset({"shell", "python"})
"""What workers of every release run."""

_CALL = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_PACKAGE = re.compile(r"[A-Za-z0-9@][A-Za-z0-9@._/+~^<>=!,\[\]-]*", re.ASCII)
LONGEST_SLEEP = 366 * DAY


def check_body(report: Report, place: Place, kind: str, body: ActionBody, files: AbstractSet[str] | None) -> None:
    """The keys of an action, or of an inline step, of type `kind`; `files` are the workspace's, None if unknown."""
    found = ACTION_TYPES[kind]
    for group in found.needs:
        _check_one_of(report, place, group, kind)
    allowed = found.keys.union(*found.needs)
    for key in place.data:
        if key in BODY_KEYS and key not in allowed:
            report.error(place.down(key), f"`{key}` has no place in `type: {kind}`", is_key=True)
    _CHECKS.get(kind, _check_nothing)(report, place, body)
    if kind == "script" and body.source is not None:
        _check_source(report, place.down("source"), body.source, files)
    _check_texts(report, place, body)
    _check_memory(report, place, body)
    _check_tags(report, place, body)
    _check_body_templates(report, place, found)


def check_own_inputs(report: Report, place: Place, kind: str, inputs: AbstractSet[str]) -> None:
    """What an inline body reads as `input.x` must be among the step's own inputs: it does not see the job's."""
    if not ACTION_TYPES[kind].ability:
        return
    for key in ACTION_TYPES[kind].spec:
        for path, text in walk(place.data.get(key)):
            for name in sorted(_inputs_read(text) - inputs):
                told = f"`input.{name}` is read, which the step's own `input` does not have"
                report.warn(place.down(key, *path), told, fix=f'write `input: {{ {name}: "{{{{ input.{name} }}}}" }}`')


def _inputs_read(text: Any) -> set[str]:
    if not isinstance(text, str) or "default" in text or "defined" in text:
        return set()
    try:
        paths = RENDERER.paths(text)
    except RenderFailed:
        return set()
    return {path[1] for path in paths if path[0] == "input" and len(path) > 1}


def _check_one_of(report: Report, place: Place, group: AbstractSet[str], kind: str) -> None:
    written = [key for key in group if place.data.get(key) not in (None, "")]
    if len(written) == 1:
        return
    names = [f"`{key}`" for key in sorted(group)]
    told = f"write exactly one of {' and '.join(names)}" if len(group) > 1 else f"`type: {kind}` needs {names[0]}"
    report.error(place, told, is_key=True)


def _check_script(report: Report, place: Place, body: ActionBody) -> None:
    check_runner(report, place, body)
    if body.language not in LANGUAGES and not is_open("languages"):
        report.error(place.down("language"), f"`language: {body.language}` is not supported in this release")


def _check_memory(report: Report, place: Place, body: ActionBody) -> None:
    if body.memory is None:
        return
    if body.runner != "local":
        report.error(place.down("memory"), f"`runner: {body.runner}` takes its limit from `resources`", is_key=True)
    if body.memory < SMALLEST_MEMORY_BYTES:
        report.error(place.down("memory"), "a limit of less than 4MiB lets nothing start")


def _check_http(report: Report, place: Place, body: ActionBody) -> None:
    if body.method is not None and not has_template(body.method) and body.method.upper() not in _METHODS:
        report.error(place.down("method"), f"'{body.method}' is none of {', '.join(_METHODS)}")
    if body.url and not has_template(body.url) and not body.url.lower().startswith(("http://", "https://")):
        report.error(place.down("url"), "a URL begins with http:// or https://")
    for name in body.headers:
        if not _HEADER.fullmatch(name):
            report.error(place.down("headers", name), f"'{name}' is no name of a header", is_key=True)


def _check_function(report: Report, place: Place, body: ActionBody) -> None:
    if body.call and not _CALL.fullmatch(body.call):
        report.error(place.down("call"), f"'{body.call}' is no `package.module:function`")


def _check_sleep(report: Report, place: Place, body: ActionBody) -> None:
    if body.duration is not None and body.duration > LONGEST_SLEEP:
        report.error(place.down("duration"), "a sleep takes at most 366 days")
    if body.until and not has_template(body.until):
        try:
            datetime.fromisoformat(body.until)
        except ValueError:
            report.error(place.down("until"), "`until` must be a date and time like 2026-01-31T08:00:00Z")


def _check_nothing(report: Report, place: Place, body: ActionBody) -> None:
    del report, place, body


_CHECKS: Mapping[str, Callable[[Report, Place, ActionBody], None]] = {
    "script": _check_script,
    "docker": check_container,
    "http": _check_http,
    "function": _check_function,
    "sleep": _check_sleep,
}


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
    for index, package in enumerate(body.dependencies):
        if not _PACKAGE.fullmatch(package):
            report.error(place.down("dependencies", index), f"'{package}' is no name of a package")
    for name in body.env:
        if not _VARIABLE.fullmatch(name):
            report.error(place.down("env", name), f"'{name}' is no name of an environment variable", is_key=True)


def _check_tags(report: Report, place: Place, body: ActionBody) -> None:
    if len(body.tags) > TAGS:
        report.error(place.down("tags"), f"more than {TAGS} tags")
    for index, tag in enumerate(body.tags):
        if not _TAG.fullmatch(tag):
            report.error(place.down("tags", index), f"the tag '{tag}' has a character beside letters, digits and ._-")


def _check_body_templates(report: Report, place: Place, kind: ActionType) -> None:
    for key in kind.spec:
        value = place.data.get(key)
        if isinstance(value, str):
            check_template(report, place.down(key), is_shown=not kind.ability)
        elif isinstance(value, (list, dict)):
            check_all_templates(report, place.down(key))
