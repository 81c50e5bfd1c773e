"""What actions, tasks, steps and triggers may be called."""

import re

from shared.definition.report import Place, Report

LONGEST = 128
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f/\\\[\]]")
_RESERVED = ("_hook:", "_inline:", "_server")


def check_name(report: Report, place: Place, what: str, name: str) -> None:
    """Names travel in addresses, ids and log lines: no control characters, slashes or brackets, none of our own."""
    if not name.strip() or len(name) > LONGEST:
        report.error(place, f"a name of a {what} has 1 to {LONGEST} characters", is_key=True)
    elif _FORBIDDEN.search(name):
        report.error(place, f"the name of the {what} '{name}' has a bracket, slash or control character", is_key=True)
    elif name.startswith(_RESERVED):
        report.error(place, f"the name of the {what} '{name}' is reserved", is_key=True)


def variable(step: str) -> str:
    """How templates name a step: `say-hello` is `say_hello`."""
    return step.replace("-", "_")
