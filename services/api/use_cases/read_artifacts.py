"""Artifacts of jobs, read from the store."""

from collections.abc import AsyncIterator
from urllib.parse import quote

from services.api.models.artifacts import ArtifactRow
from services.api.use_cases.read_jobs import load_job
from shared.engine.job import Job
from shared.engine.states import StepStatus
from shared.errors import InvalidInput, NotFound
from shared.storage.artifact_port import ArtifactStore
from shared.storage.artifact_records import ArtifactRecord
from shared.storage.ports import JobStore

LONGEST_NAME = 255
INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"})
"""What a browser may show within our origin: nothing that can hold a script."""


async def list_artifacts(jobs: JobStore, artifacts: ArtifactStore, job_id: str) -> list[ArtifactRow]:
    """The job's artifacts, by name.

    Raises:
        NotFound: there is no such job.
    """
    job = await load_job(jobs, job_id)
    return [_row(record) for record in await artifacts.list_of(job_id) if _counts(job, record)]


async def find_artifact(jobs: JobStore, artifacts: ArtifactStore, job_id: str, name: str) -> ArtifactRecord:
    """One artifact.

    Raises:
        InvalidInput: no artifact can have this name.
        NotFound: there is no such job or artifact.
    """
    if not 0 < len(name) <= LONGEST_NAME:
        raise InvalidInput(f"an artifact's name has 1 to {LONGEST_NAME} characters")
    job = await load_job(jobs, job_id)
    found = await artifacts.load(job_id, name)
    if found is None or not _counts(job, found):
        raise NotFound("Artifact not found")
    return found


async def read_artifact(artifacts: ArtifactStore, record: ArtifactRecord) -> AsyncIterator[bytes]:
    """Its bytes, part by part."""
    for index in range(record.part_count):
        yield await artifacts.load_part(record.content, index)


def headers_of(record: ArtifactRecord) -> dict[str, str]:
    """How a browser is to treat it: never guess its type, show next to nothing, ask again each time."""
    kind = "inline" if record.content_type in INLINE else "attachment"
    file = record.name.rpartition("/")[2]
    plain = "".join(one if one.isascii() and one.isprintable() and one not in '"\\' else "_" for one in file)
    return {
        "Content-Type": record.content_type,
        "Content-Length": str(record.size_bytes),
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(file, safe='')}",
        "Cache-Control": "private, max-age=0, must-revalidate",
    }


def _counts(job: Job, record: ArtifactRecord) -> bool:
    """Whether the attempt that left it is the one by which its step completed."""
    step = job.steps.get(record.step)
    return step is not None and (step.status, step.attempt) == (StepStatus.COMPLETED, record.attempt)


def _row(record: ArtifactRecord) -> ArtifactRow:
    return ArtifactRow(
        name=record.name,
        content_type=record.content_type,
        size_bytes=record.size_bytes,
        step_name=record.step,
        created_at=record.created_at.isoformat().replace("+00:00", "Z"),
        url=f"/api/jobs/{record.job_id}/artifacts/{quote(record.name, safe='')}",
    )
