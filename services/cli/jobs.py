"""Commands about tasks and jobs."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from services.cli.client import ApiClient, ApiFailed
from services.cli.show import console, show_job, show_line

Url = Annotated[str, typer.Option("--url", envvar="HEADRACE_URL", help="Where the server is.")]
Workspace = Annotated[str, typer.Option("--workspace", "-w", help="Workspace of the task.")]
DEFAULT_URL = "http://127.0.0.1:8080"
LONGEST_JOB_SECONDS = 7 * 86_400.0


def with_client(url: str, work: Callable[[ApiClient], Coroutine[Any, Any, int]]) -> None:
    """Run `work` against the server; its answer is the exit code. A refusal is one sentence on stderr, exit code 1."""

    async def run() -> int:
        async with ApiClient(url) as client:
            return await work(client)

    try:
        code = asyncio.run(run())
    except ApiFailed as error:
        typer.echo(f"headrace: {error}", err=True)
        code = 1
    except KeyboardInterrupt:
        code = 130
    raise typer.Exit(code)


def run(
    task: str,
    workspace: Workspace = "default",
    values: Annotated[str, typer.Option("--input")] = "{}",
    url: Url = DEFAULT_URL,
) -> None:
    """Start a task with a JSON object as input, follow its log, show its steps; exit code 0 if it completed."""
    try:
        given = json.loads(values)
    except ValueError as error:
        raise typer.BadParameter(f"--input is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise typer.BadParameter("--input must be a JSON object")

    async def work(client: ApiClient) -> int:
        job_id = await client.execute(workspace, task, given)
        console.print(f"job {job_id}")
        return await follow(client, job_id)

    with_client(url, work)


async def follow(client: ApiClient, job_id: str, *, longest: int | None = None) -> int:
    """Print a job's log until its end (lines cut after `longest` characters), then its steps; 0 if it completed."""
    async for line in client.stream_logs(job_id):
        show_line(line, longest=longest)
    job = await client.wait_for_end(job_id, within_seconds=LONGEST_JOB_SECONDS)
    show_job(job)
    return 0 if job["status"] == "completed" else 1


def status(job_id: str, url: Url = DEFAULT_URL) -> None:
    """Show a job's steps with their timings."""

    async def work(client: ApiClient) -> int:
        show_job(await client.get(f"/api/jobs/{job_id}"))
        return 0

    with_client(url, work)


def logs(job_id: str, url: Url = DEFAULT_URL) -> None:
    """Print a job's log and follow it until the job has ended."""

    async def work(client: ApiClient) -> int:
        async for line in client.stream_logs(job_id):
            show_line(line)
        return 0

    with_client(url, work)


def cancel(job_id: str, url: Url = DEFAULT_URL) -> None:
    """Cancel a job; its running steps are killed."""

    async def work(client: ApiClient) -> int:
        console.print((await client.post(f"/api/jobs/{job_id}/cancel"))["status"])
        return 0

    with_client(url, work)


def jobs(
    limit: int = 20, workspace: Annotated[str | None, typer.Option("--workspace", "-w")] = None, url: Url = DEFAULT_URL
) -> None:
    """List the newest jobs."""

    async def work(client: ApiClient) -> int:
        for job in (await client.get("/api/jobs", limit=limit, workspace=workspace))["items"]:
            console.print(
                f"{job['job_id']}  {job['status']:<10} {job['workspace']}/{job['task_name']}  {job['created_at']}"
            )
        return 0

    with_client(url, work)


def tasks(workspace: Workspace = "default", url: Url = DEFAULT_URL) -> None:
    """List a workspace's tasks."""

    async def work(client: ApiClient) -> int:
        for task in await client.get(f"/api/workspaces/{workspace}/tasks"):
            console.print(task["name"])
        return 0

    with_client(url, work)
