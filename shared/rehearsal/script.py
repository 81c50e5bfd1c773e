"""Reading a rehearsal: a task, what its steps are to answer, what has to follow.

```yaml
rehearses: one sentence about what has to happen
task: nightly
input: {day: 2026-01-31}
steps:                                  # a step that is not named completes with no output
  fetch: {output: {rows: 5}}
  check: [{error: too early}, {}]       # attempt by attempt; the last one counts for all that follow
  gate: {approved: true, by: ada, input: {why: tested}}   # an approval
  paid: {event: {amount: 3}}            # wait_for_event
  hang: {hangs: true}                   # no answer: its time-out comes
expect:                                 # only what is written is compared
  status: completed
  output: {report: {lines: 5}}
  steps: {check: completed}
  inputs: {check: {rows: "5"}}          # the rendered input of a step's last attempt
  errors: {check: too early}
  hooks: ["on_error[0] tell"]
  trace: [run fetch 1, fetch is running, …]
```
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.definition.compose_yaml import Unreadable
from shared.definition.read_yaml import read_yaml
from shared.engine.states import JobStatus, StepStatus
from shared.errors import Rejected


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(_Part):
    """How one attempt of a step ends; `after` is seconds."""

    output: Any = None
    error: str | None = None
    exit_code: int | None = None
    is_lost: bool = Field(False, alias="lost")
    is_hanging: bool = Field(False, alias="hangs")
    is_approved: bool | None = Field(None, alias="approved")
    by: str = "rehearsal"
    input: dict[str, Any] | None = None
    event: Any = None
    after: float = Field(1, ge=0)


class Expected(_Part):
    """What has to be so at the end."""

    status: JobStatus = JobStatus.COMPLETED
    output: Any = None
    steps: dict[str, StepStatus] = Field(default_factory=dict)
    inputs: dict[str, dict[str, Any]] = Field(default_factory=dict)
    errors: dict[str, str] = Field(default_factory=dict)
    hooks: list[str] | None = None
    trace: list[str] | None = None


class Script(_Part):
    """One rehearsal."""

    rehearses: str = ""
    task: str
    input: dict[str, Any] = Field(default_factory=dict)
    steps: dict[str, Answer | list[Answer]] = Field(default_factory=dict)
    expect: Expected = Expected()

    def answer_of(self, step: str, attempt: int) -> Answer:
        """What the attempt answers; an instance `name[0]` answers as `name` where it is not named itself."""
        written = self.steps.get(step, self.steps.get(step.partition("[")[0], Answer()))
        if isinstance(written, Answer):
            return written
        return written[min(attempt, len(written)) - 1] if written else Answer()


def read_script(text: bytes, file: str) -> Script:
    """The rehearsal in a file.

    Raises:
        Rejected: no YAML, or a key that a rehearsal does not have; the text names the place.
    """
    try:
        document = read_yaml(text, file)
    except Unreadable as error:
        line, column = error.spot
        raise Rejected(f"{file}:{line}:{column}: {error.message}") from error
    try:
        return Script.model_validate(document.data)
    except ValidationError as failure:
        raise Rejected("; ".join(_sentence(error, file) for error in failure.errors())) from failure


def _sentence(error: Any, file: str) -> str:
    return f"{file}: {'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
