"""Headrace's REST API and log stream, as the commands call them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Self
from urllib.parse import quote

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

TERMINAL = frozenset({"completed", "failed", "cancelled", "skipped"})
TIMEOUT_SECONDS = 15.0
NORMAL_CLOSE = 1000


class ApiFailed(Exception):  # noqa: N818 - the broken fact
    """The server refused, or can't be reached; the text is for the user."""


class ApiClient:
    """One server. Use it as an async context manager."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.AsyncClient(base_url=self.url, timeout=TIMEOUT_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON at `path`; query values of None are left out.

        Raises:
            ApiFailed: no connection, or an answer that is not 2xx.
        """
        return await self._call("GET", path, params={name: value for name, value in query.items() if value is not None})

    async def post(self, path: str, body: Any = None) -> Any:
        """The JSON that a POST of `body` answers; raises as `get`."""
        return await self._call("POST", path, json={} if body is None else body)

    async def execute(self, workspace: str, task: str, values: dict[str, Any]) -> str:
        """Start a job; its id."""
        path = f"/api/workspaces/{quote(workspace, safe='')}/tasks/{quote(task, safe='')}/execute"
        return str((await self.post(path, {"input": values}))["job_id"])

    async def _call(self, method: str, path: str, **rest: Any) -> Any:
        try:
            answer = await self._http.request(method, path, **rest)
        except httpx.HTTPError as error:
            raise ApiFailed(f"{self.url} does not answer: {str(error) or type(error).__name__}") from error
        if answer.is_success:
            return answer.json()
        try:
            told = answer.json()["error"]
        except (ValueError, KeyError, TypeError):
            told = answer.text[:200]
        raise ApiFailed(f"{answer.status_code}: {told}")

    async def stream_logs(self, job_id: str) -> AsyncIterator[str]:
        """The job's JSONL log lines, old ones first, then live ones; ends when the server says that the log is whole.

        Raises:
            ApiFailed: unknown job, or the stream broke before its end.
        """
        address = f"{self.url.replace('http', 'ws', 1)}/api/jobs/{job_id}/logs/stream"
        try:
            async with connect(address, max_size=None, open_timeout=TIMEOUT_SECONDS) as socket:
                async for frame in socket:
                    for line in filter(None, str(frame).split("\n")):
                        yield line
                if socket.close_code != NORMAL_CLOSE:
                    raise ApiFailed(f"the log stream ended early ({socket.close_code})")
        except InvalidStatus as error:
            raise ApiFailed(f"{error.response.status_code}: no log stream for job {job_id}") from error
        except (ConnectionClosed, OSError, TimeoutError) as error:
            raise ApiFailed(f"the log stream broke: {error}") from error

    async def wait_for_end(self, job_id: str, *, within_seconds: float) -> dict[str, Any]:
        """The job's detail once it is terminal.

        Raises:
            ApiFailed: not terminal in time.
        """
        try:
            async with asyncio.timeout(within_seconds):
                while True:  # the log stream has ended before: a look or two
                    job: dict[str, Any] = await self.get(f"/api/jobs/{job_id}")
                    if job["status"] in TERMINAL:
                        return job
                    await asyncio.sleep(0.2)
        except TimeoutError as error:
            raise ApiFailed(f"job {job_id} has not ended after {within_seconds:.0f} s") from error
