"""Checks templates before anything runs: syntax, and the variables that they name."""

from collections.abc import Set as AbstractSet
from typing import Any

from shared.definition.read_yaml import walk
from shared.definition.report import Place, Report, suggest
from shared.definition.supported import is_open, refusal
from shared.definition.templates import JinjaRenderer, has_template
from shared.engine.decision import RenderFailed

_CLOSED = {
    "state": ("templates can't read state", "read $STATE_DIR/state.json in the script"),
    "global_state": ("templates can't read state", "read $GLOBAL_STATE_DIR/state.json in the script"),
    "connection": ("templates can't read connections", "declare an input whose type is a connection type"),
}
"""Variables of the contract that templates don't have here: why, and what to do instead."""

RENDERER = JinjaRenderer()
"""For looking into templates."""


def check_template(
    report: Report, place: Place, known: AbstractSet[str] | None = None, *, is_shown: bool = False
) -> frozenset[str]:
    """The variables that the text at `place` reads; those not in `known` (None: any may exist) are told.

    `is_shown` says that people or other jobs see the text: no place for secrets.
    """
    try:
        names = RENDERER.names(place.data)
    except RenderFailed as error:
        report.error(place, f"bad template: {error.message}")
        return frozenset()
    for name in sorted(names):
        if name in (known or ()):
            continue
        if name == "secret":
            _check_secrets_of(report, place, is_allowed=known is None and not is_shown)
        elif name in _CLOSED:
            why, fix = _CLOSED[name]
            report.error(place, f"`{name}` in a template: {why}", fix=fix)
        elif known is not None:
            report.warn(place, f"unknown variable '{name}' in a template", fix=suggest(name, known))
    if "secret" in names and "secret" in (known or ()):
        _check_secrets_of(report, place, is_allowed=not is_shown)
    return names


def _check_secrets_of(report: Report, place: Place, *, is_allowed: bool) -> None:
    if not is_open("secrets"):
        report.error(place, f"`secret` in a template: {refusal('secrets')}")
        return
    if not is_allowed:
        report.error(place, "`secret` can't be used here", fix="use it in the action's `env` or the step's `input`")
        return
    for path in RENDERER.paths(place.data):
        if path[0] == "secret" and len(path) > 1 and path[1] not in report.secrets:
            report.error(place, f"unknown secret '{path[1]}'", fix=suggest(path[1], report.secrets))


def check_all_templates(report: Report, place: Place, known: AbstractSet[str] | None = None) -> None:
    """Every text inside the list or map at `place`."""
    for path, value in walk(place.data):
        if isinstance(value, str):
            check_template(report, place.down(*path), known)


def check_values(report: Report, place: Place, known: AbstractSet[str] | None = None) -> frozenset[str]:
    """The values of a step's or hook's input: a map whose texts are templates; deeper ones are not rendered."""
    names: set[str] = set()
    for key, value in place.data.items():
        if isinstance(value, str):
            names |= check_template(report, place.down(key), known)
        else:
            _warn_of_deep_templates(report, place.down(key), value)
    return frozenset(names)


def _warn_of_deep_templates(report: Report, place: Place, value: Any) -> None:
    for path, part in walk(value):
        if isinstance(part, str) and has_template(part):
            report.warn(place.down(*path), "a template inside a list or map of an input is not rendered")
