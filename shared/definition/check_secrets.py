"""Checks `secrets`: where a workspace's secrets are kept, never what they are."""

import re
from collections.abc import Sequence

from shared.definition.read_yaml import Document
from shared.definition.report import Place, Report
from shared.definition.sealed import SECRET_NAME
from shared.definition.supported import is_open

REFERENCE = re.compile(r"ref\+(?:env://[A-Za-z_][A-Za-z0-9_]*|(?!env:)[a-z][a-z0-9+]*://[^\x00-\x1f{}]+)", re.ASCII)
ADVICE = "write `ref+env://NAME` or `ref+file://PATH` and give the value to the workers"


def check_secrets(report: Report, documents: Sequence[Document]) -> dict[str, str]:
    """`{name: reference}` of all files, later ones winning; the names are noted in `report` for templates."""
    found: dict[str, str] = {}
    if not is_open("secrets"):
        return found
    for document in documents:
        if document.data.get("secrets") is None:
            continue
        place = Place(document, ("secrets",), f"file {document.file}")
        if not isinstance(place.data, dict):
            report.error(place, "`secrets` must be a map")
            continue
        for name in place.data:
            if _check_secret(report, place.down(name), name):
                found[name] = place.data[name]
    report.secrets = frozenset(found)
    return found


def _check_secret(report: Report, place: Place, name: str) -> bool:
    if not SECRET_NAME.fullmatch(name):
        report.error(place, f"a secret's name has letters, digits and _, '{name}' does not", is_key=True)
        return False
    if not isinstance(place.data, str) or not place.data.startswith("ref+"):
        report.error(place, f"the secret '{name}' stands in the file for all to read", fix=ADVICE)
        return False
    if not REFERENCE.fullmatch(place.data):
        report.error(place, f"the secret '{name}' is kept in a way that is not supported", fix=ADVICE)
        return False
    return True
