"""States of tasks and workspaces as the API shows them."""

from datetime import datetime

from pydantic import Field

from services.api.models.fields import JOB_ID, Answer, JsonObject

SNAPSHOT_ID = "01920f6e-9d2b-7c3a-b1e4-5a6f7c8d9e01"


class StateUploaded(Answer):
    """The snapshot that an upload became, and the job that stands for the upload."""

    snapshot_id: str = Field(examples=[SNAPSHOT_ID])
    job_id: str = Field(examples=[JOB_ID])


class SnapshotRow(Answer):
    """A kept state; `step` is null for an upload, `number` counts from 1, `archive_bytes` is its files' packed size."""

    snapshot_id: str = Field(examples=[SNAPSHOT_ID])
    number: int = Field(examples=[1])
    job_id: str = Field(examples=[JOB_ID])
    step: str | None
    created_at: datetime
    files_count: int
    archive_bytes: int


class StateView(Answer):
    """The latest state: the content of its `state.json`, and its other files with their sizes in bytes."""

    snapshot_id: str | None = Field(examples=[SNAPSHOT_ID], description="null while nothing was kept.")
    job_id: str | None = Field(examples=[JOB_ID])
    step: str | None
    created_at: datetime | None
    state: JsonObject = Field(examples=[{"cursor": 7}])
    files: dict[str, int] = Field(examples=[{"index.db": 4096}])
