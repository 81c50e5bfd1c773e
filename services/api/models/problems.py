"""The one error body of all endpoints: RFC 9457 with `error` beside it."""

from pydantic import Field

from services.api.models.fields import Answer, IfSet


class FieldProblem(Answer):
    """What is wrong with one field."""

    loc: str = Field(examples=["input.name"])
    msg: str = Field(examples=["required"])


class ProblemDetails(Answer):
    """Why a request was refused; served as `application/problem+json`. `error` repeats `detail`."""

    type: str = Field(examples=["urn:headrace:error:not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["Workspace 'nowhere' not found"])
    instance: str = Field(examples=["/api/workspaces/nowhere/tasks"])
    error: str = Field(examples=["Workspace 'nowhere' not found"])
    errors: list[FieldProblem] | None = IfSet
