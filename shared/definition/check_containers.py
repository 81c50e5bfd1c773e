"""Checks what runs in containers."""

from collections.abc import Callable

from shared.definition.keys import RESOURCE_KEYS, check_keys
from shared.definition.models import ActionBody
from shared.definition.quantities import parse_cpu, parse_memory
from shared.definition.report import Place, Report
from shared.definition.supported import is_open
from shared.definition.templates import has_template

_ONLY_IN_CONTAINERS = ("image", "workdir", "resources")
_QUANTITIES: tuple[tuple[str, Callable[[str | float], float]], ...] = (("cpu", parse_cpu), ("memory", parse_memory))


def check_container(report: Report, place: Place, body: ActionBody) -> None:
    """An action of type docker."""
    if body.cmd and body.command:
        report.error(place.down("command"), "write `cmd` or `command`, not both", is_key=True)
    _check_parts(report, place, body)


def check_runner(report: Report, place: Place, body: ActionBody) -> None:
    """Where a script runs, and what it may say about that."""
    if body.runner == "local":
        for key in _ONLY_IN_CONTAINERS:
            if key in place.data and is_open("containers"):
                report.error(place.down(key), f"`{key}` needs `runner: docker`", is_key=True)
    elif body.runner == "docker" and is_open("containers"):
        if body.dependencies:
            told = "`dependencies` are not installed in containers"
            report.error(place.down("dependencies"), told, fix="choose an image that has them", is_key=True)
        _check_parts(report, place, body)
    else:
        report.error(place.down("runner"), f"`runner: {body.runner}` is not supported in this release")


def _check_parts(report: Report, place: Place, body: ActionBody) -> None:
    if body.workdir and not has_template(body.workdir) and not body.workdir.startswith("/"):
        report.error(place.down("workdir"), "`workdir` must begin with /")
    if body.resources is None:
        return
    resources = place.down("resources")
    check_keys(report, resources, RESOURCE_KEYS)
    for key, parse in _QUANTITIES:
        written = getattr(body.resources, key)
        if written is None or (isinstance(written, str) and has_template(written)):
            continue
        try:
            parse(written)
        except ValueError as error:
            report.error(resources.down(key), str(error))
