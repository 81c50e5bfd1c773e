"""Artifacts as the API shows them."""

from pydantic import Field

from services.api.models.fields import JOB_ID, Answer


class ArtifactRow(Answer):
    """A file that a step left; `url` is relative to the server."""

    name: str = Field(examples=["report.html"])
    content_type: str = Field(examples=["text/html"])
    size_bytes: int = Field(examples=[1234])
    step_name: str = Field(examples=["build"])
    created_at: str = Field(examples=["2026-02-19T02:00:00Z"])
    url: str = Field(examples=[f"/api/jobs/{JOB_ID}/artifacts/report.html"])
