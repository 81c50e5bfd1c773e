"""Checks declared inputs: types, options, defaults."""

from typing import Any

from shared.definition.check_templates import check_template
from shared.definition.field_types import TEXT_TYPES, TYPES, misfit
from shared.definition.keys import INPUT_KEYS, check_keys
from shared.definition.models import InputField
from shared.definition.read_part import read_maps, read_part
from shared.definition.report import Place, Report, suggest
from shared.definition.supported import is_open
from shared.definition.templates import has_template


def check_fields(report: Report, place: Place) -> dict[str, InputField]:
    """The fields declared at `place` (`input:` of a task or an action) that can be used."""
    found: dict[str, InputField] = {}
    for name, spot in read_maps(report, place, "input").items():
        check_keys(report, spot, INPUT_KEYS)
        field = read_part(InputField, spot.data, report, spot)
        if field is not None:
            found[name] = field
            check_field(report, spot, field)
    return found


def check_field(report: Report, place: Place, field: InputField) -> None:
    """Whether the field's parts fit each other."""
    if field.type not in TYPES and field.type not in report.types:
        closed = "" if is_open("connections") else "; connection types are not supported in this release"
        fix = suggest(field.type, [*TYPES, *report.types])
        report.error(place.down("type"), f"unknown input type '{field.type}'{closed}", fix=fix)
        return
    _check_multiple(report, place, field)
    if field.options is not None and field.type not in TEXT_TYPES:
        report.error(place.down("options"), f"`options` need type string, not {field.type}")
    if field.default is not None:
        _check_default(report, place.down("default"), field)


def _check_multiple(report: Report, place: Place, field: InputField) -> None:
    if not field.multiple:
        return
    if field.type not in TEXT_TYPES:
        report.error(place.down("multiple"), f"`multiple` needs type string, not {field.type}")
    if field.secret:
        report.error(place.down("multiple"), "`multiple` and `secret` exclude each other")
    if field.options is None:
        report.warn(place.down("multiple"), "`multiple` without `options` offers nothing to choose", is_key=True)


def _check_default(report: Report, place: Place, field: InputField) -> None:
    default: Any = field.default
    if isinstance(default, str) and has_template(default):
        check_template(report, place, frozenset())
        return
    if field.type in report.types:
        if not isinstance(default, (str, dict)):
            report.error(place, "the default does not fit: must be the name of a connection")
        return
    wrong = misfit(field, default, ignore_options=True)
    if wrong:
        report.error(place, f"the default does not fit: {wrong}")
        return
    chosen = default if isinstance(default, list) else [default]
    for one in chosen:
        if field.options is not None and not field.allow_custom and one not in field.options:
            report.warn(place, f"the default '{one}' is none of the options", fix=suggest(str(one), field.options))
