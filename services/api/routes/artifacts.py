"""Files that the steps of a job left."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import StreamingResponse

from services.api.models.artifacts import ArtifactRow
from services.api.parts import JobId, PartsOf
from services.api.routes.refusals import refusals
from services.api.use_cases import read_artifacts

router = APIRouter(prefix="/api/jobs", tags=["artifacts"])

ArtifactName = Annotated[
    str, Path(description="Artifact name, its slashes as `%2F`.", examples=["report.html"], max_length=1000)
]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/{job_id}/artifacts", responses=refusals(400, 404))
async def list_artifacts(parts: PartsOf, job_id: JobId) -> list[ArtifactRow]:
    """List the artifacts of a job's completed steps, by name."""
    return await read_artifacts.list_artifacts(parts.storage.jobs, parts.storage.artifacts, job_id)


@router.get(
    "/{job_id}/artifacts/{name:path}",
    response_class=StreamingResponse,
    responses={**refusals(400, 404), **_FILE},
)
async def show_artifact(parts: PartsOf, job_id: JobId, name: ArtifactName) -> StreamingResponse:
    """Download an artifact."""
    store = parts.storage.artifacts
    record = await read_artifacts.find_artifact(parts.storage.jobs, store, job_id, name)
    pieces = read_artifacts.read_artifact(store, record)
    first = await anext(pieces, b"")  # what can go wrong at once is answered as an error, not as a broken stream
    return StreamingResponse(_joined(first, pieces), headers=read_artifacts.headers_of(record))


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(rest):  # type: ignore[type-var]  # read_artifact is an async generator
        yield first
        async for piece in rest:
            yield piece
