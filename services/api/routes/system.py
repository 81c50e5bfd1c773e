"""What the server says about itself."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.api.models.system import Health, JobCounts, ServerConfig
from services.api.parts import PartsOf
from services.api.routes.refusals import refusals
from services.api.use_cases import read_jobs
from services.api.use_cases.check_health import check_health
from shared.runtime.version import VERSION

router = APIRouter(tags=["system"])


@router.get("/healthz", responses={503: {"model": Health, "description": "A part is not well."}})
async def show_health(parts: PartsOf, response: Response) -> Health:
    """Say whether this instance can serve; 503 when it can't."""
    health, is_well = await check_health(parts.storage, parts.broker, parts.lifecycle.troubles)
    response.status_code = 200 if is_well else 503
    return health


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def show_metrics() -> Response:
    """Metrics for Prometheus."""
    return Response(generate_latest(), headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE_LATEST)


@router.get("/api/config")
async def show_config() -> ServerConfig:
    """What a client needs to know before it logs in."""
    return ServerConfig(version=VERSION)


@router.get("/api/stats", responses=refusals())
async def show_stats(parts: PartsOf) -> JobCounts:
    """How many jobs have each status."""
    return await read_jobs.count_jobs(parts.storage.jobs)
