"""What is wrong with a workspace, where, and how to mend it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """An error makes what it is about unusable; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `line` and `column` count from 1, 0 where there is no such place.

    `file` is relative to the workspace. `subject` says what it is about: `task hello`, `action greet`,
    `trigger nightly`, `file hello.yaml`, `workspace on_error`. `fix` says what to write instead, where that is known.
    """

    severity: Severity
    message: str
    file: str
    line: int = 0
    column: int = 0
    subject: str = ""
    fix: str | None = None

    def __str__(self) -> str:
        """`hello.yaml:12:5: error: unknown action 'gret' (did you mean 'greet'?)`."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.severity}: {self.message}" + (f" ({self.fix})" if self.fix else "")

    @property
    def is_error(self) -> bool:
        """Whether its subject can't be used."""
        return self.severity is Severity.ERROR

    def to_json(self) -> dict[str, Any]:
        """As kept in a `RevisionRecord` and shown by the API, with the whole sentence as `text`."""
        return {**asdict(self), "severity": self.severity.value, "text": str(self)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Problem":
        """What `to_json` gave."""
        return cls(
            Severity(kept["severity"]),
            str(kept["message"]),
            str(kept["file"]),
            int(kept["line"]),
            int(kept["column"]),
            str(kept["subject"]),
            kept["fix"],
        )
