"""Checking workflow files: what is sent, what is answered."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.api.models.fields import Answer, IfSet


class ValidateRequest(BaseModel):
    """Either `text`, one file on its own, or `files` by name, which are checked together."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str | None = Field(default=None, examples=["tasks: {}\n"])
    files: dict[str, str] | None = Field(default=None, max_length=1000, examples=[{"hello.yaml": "tasks: {}\n"}])


class FoundProblem(Answer):
    """One thing that is wrong; `line` and `column` count from 1, 0 where there is no such place."""

    severity: Literal["error", "warning"]
    message: str = Field(examples=["unknown action 'gret'"])
    file: str = Field(examples=["hello.yaml"])
    line: int = Field(examples=[12])
    column: int = Field(examples=[5])
    subject: str = Field(examples=["task hello-world"])
    fix: str | None = IfSet
    text: str = Field(examples=["hello.yaml:12:5: error: unknown action 'gret' (did you mean 'greet'?)"])


class ValidateAnswer(Answer):
    """What is wrong with the files; `is_valid` says that there is no error, warnings aside."""

    is_valid: bool
    problems: list[FoundProblem]
