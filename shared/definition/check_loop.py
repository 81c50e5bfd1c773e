"""Checks the loops of steps."""

import json
from collections.abc import Sequence
from typing import Any

from shared.definition.models import StepDefinition
from shared.definition.report import Place, Report
from shared.definition.templates import has_template
from shared.engine.loops import MOST_ITEMS


def check_loop(report: Report, place: Place, step: StepDefinition) -> None:
    """`for_each` and what goes with it; the templates are checked with the flow."""
    if step.for_each is None:
        for key in ("sequential", "max_parallel"):
            if key in place.data:
                report.warn(place.down(key), f"`{key}` has no effect without `for_each`", is_key=True)
        return
    items = as_items(step.for_each)
    if isinstance(items, str):
        if not has_template(items):
            report.error(place.down("for_each"), "`for_each` must be a list or a template of one")
    elif len(items) > MOST_ITEMS:
        report.error(place.down("for_each"), f"a loop has at most {MOST_ITEMS} items, this one {len(items)}")
    if step.sequential and step.max_parallel is not None:
        report.error(place.down("max_parallel"), "`sequential` and `max_parallel` exclude each other", is_key=True)


def as_items(written: str | Sequence[Any]) -> str | tuple[Any, ...]:
    """The items as written; a text that is a JSON list becomes one, any other text stays."""
    if not isinstance(written, str):
        return tuple(written)
    if has_template(written):
        return written
    try:
        found = json.loads(written)
    except ValueError:
        return written
    return tuple(found) if isinstance(found, list) else written
