"""Api instances on real servers, and clients of their log streams."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from httpx import AsyncClient, TransportError
from pydantic import SecretStr
from websockets.asyncio.client import connect

from deploy.local.ports import pick_port
from services.api.parts import Parts
from services.api.settings import ApiSettings
from services.api.wiring import build, run
from shared.orchestration.connect import connected
from shared.runtime.lifecycle import Lifecycle
from shared.storage.records import LogChunk
from tests.support.eventually import eventually
from tests.unit.api.logbook import outgoing

YAML = b"""
tasks:
  one:
    input:
      name: { type: string, default: World }
      many: { type: integer }
    flow:
      speak: { type: script, tags: [api-tests], script: "true" }
  two:
    flow:
      first: { type: script, tags: [api-tests], script: "true" }
      second: { type: script, tags: [api-tests], script: "true" }
  broken:
    flow:
      lost: { action: nowhere }
"""
"""The tag keeps the steps away from any worker."""

WORKSPACE = "/api/workspaces/default/tasks"


@dataclass
class ApiInstance:
    """One api process's insides, served in this one."""

    parts: Parts
    url: str
    http: AsyncClient

    async def execute(self, task: str) -> str:
        """Start a job; its id."""
        answer = await self.http.post(f"{WORKSPACE}/{task}/execute")
        return str(answer.json()["job_id"])

    async def log(self, job_id: str, step: str | None = None) -> str:
        """The log of a job or a step as REST answers it."""
        path = f"/api/jobs/{job_id}/steps/{step}/logs" if step else f"/api/jobs/{job_id}/logs"
        return str((await self.http.get(path, timeout=60)).json()["logs"])

    def stream_url(self, job_id: str, query: str = "") -> str:
        """Where the job's log is streamed."""
        return f"{self.url.replace('http', 'ws', 1)}/api/jobs/{job_id}/logs/stream{query}"

    async def watch(self, job_id: str, query: str = "") -> tuple[list[str], int | None]:
        """The stream's frames up to its end, and its close code."""
        async with connect(self.stream_url(job_id, query)) as socket:
            frames = [str(frame) async for frame in socket]
            return frames, socket.close_code

    async def say(self, chunks: Sequence[LogChunk]) -> None:
        """Send log chunks as a worker does."""
        await self.parts.broker.publish(outgoing(*chunks))

    async def has_viewers(self, job_id: str, count: int) -> None:
        """Wait until so many watch the job here, live."""
        live = self.parts.live
        bound = frozenset({job_id}) if count else frozenset()
        await eventually(lambda: len(self.parts.viewers) == count and live.bound_jobs & {job_id} == bound)


@asynccontextmanager
async def serving(rabbitmq_url: str, mongo_url: str, database: str) -> AsyncIterator[ApiInstance]:
    """An api instance that answers."""
    settings = ApiSettings(
        rabbitmq_url=SecretStr(rabbitmq_url), mongo_url=SecretStr(mongo_url), database=database, api_port=pick_port()
    )
    url = f"http://{settings.api_host}:{settings.api_port}"
    lifecycle = Lifecycle()
    async with connected(settings, "api", lifecycle) as (storage, broker), asyncio.TaskGroup() as tasks:
        parts = build(settings, storage=storage, broker=broker, lifecycle=lifecycle)
        tasks.create_task(run(parts), name="api")
        try:
            async with AsyncClient(base_url=url, timeout=20) as client:

                async def answers() -> bool:
                    try:
                        return (await client.get("/healthz")).status_code == 200
                    except TransportError:
                        return False

                await eventually(answers, within=timedelta(seconds=20))
                yield ApiInstance(parts, url, client)
        finally:
            lifecycle.stopping.set()
