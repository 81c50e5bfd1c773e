"""Checks templates before anything runs: syntax, and the variables that they name."""

from collections.abc import Set as AbstractSet
from typing import Any

from shared.definition.read_yaml import walk
from shared.definition.report import Place, Report, suggest
from shared.definition.templates import JinjaRenderer, has_template
from shared.engine.decision import RenderFailed

_LATER = {
    "secret": "secrets",
    "state": "task state",
    "global_state": "global state",
    "each": "loops",
    "connection": "connections",
}
"""Variables of the contract that this release does not have, and what they belong to."""

_RENDERER = JinjaRenderer()


def check_template(report: Report, place: Place, known: AbstractSet[str] | None = None) -> frozenset[str]:
    """The variables that the text at `place` reads; those not in `known` (None: any may exist) are told."""
    try:
        names = _RENDERER.names(place.data)
    except RenderFailed as error:
        report.error(place, f"bad template: {error.message}")
        return frozenset()
    for name in sorted(names):
        if name in (known or ()):
            continue
        if name in _LATER:
            report.error(place, f"`{name}` in a template: {_LATER[name]} are not supported in this release")
        elif known is not None:
            report.warn(place, f"unknown variable '{name}' in a template", fix=suggest(name, known))
    return names


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
