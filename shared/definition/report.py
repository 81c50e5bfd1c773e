"""Collects problems, each at its place."""

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from shared.definition.problems import Problem, Severity
from shared.definition.read_yaml import Document, Path


@dataclass(frozen=True, slots=True)
class Place:
    """Something inside a file: where it stands, and what a problem there makes unusable."""

    document: Document
    path: Path = ()
    subject: str = ""

    def down(self, *path: str | int) -> "Place":
        """A part of it."""
        return replace(self, path=(*self.path, *path))

    def about(self, subject: str) -> "Place":
        """The same place; problems there are about `subject`."""
        return replace(self, subject=subject)

    @property
    def data(self) -> Any:
        """What stands there."""
        found = self.document.data
        for key in self.path:
            found = found[key]
        return found


class Report:
    """The problems found so far, in the order of their finding; `secrets` and connection `types` are known by name."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.secrets: frozenset[str] = frozenset()
        self.types: frozenset[str] = frozenset()

    def error(self, place: Place, message: str, *, fix: str | None = None, is_key: bool = False) -> None:
        """The place's subject can't be used."""
        self._add(Severity.ERROR, place, message, fix, is_key=is_key)

    def warn(self, place: Place, message: str, *, fix: str | None = None, is_key: bool = False) -> None:
        """The place's subject works, maybe not as its author thinks."""
        self._add(Severity.WARNING, place, message, fix, is_key=is_key)

    def errors_about(self, subject: str) -> list[Problem]:
        """What forbids using the subject."""
        return [problem for problem in self.problems if problem.is_error and problem.subject == subject]

    def _add(self, severity: Severity, place: Place, message: str, fix: str | None, *, is_key: bool) -> None:
        line, column = place.document.spot_of(place.path, is_key=is_key)
        problem = Problem(severity, message, place.document.file, line, column, place.subject, fix)
        if problem not in self.problems:
            self.problems.append(problem)


def suggest(word: str, known: Any) -> str | None:
    """`did you mean 'greet'?`, if something known is close."""
    close = get_close_matches(word, list(known), n=1)
    return f"did you mean '{close[0]}'?" if close else None
