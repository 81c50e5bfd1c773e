"""The demonstration: the example pipeline from its start over REST to its report."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from services.cli.client import ApiClient, ApiFailed
from services.cli.jobs import DEFAULT_URL, Url, follow, with_client
from services.cli.show import console

WORKSPACE, TASK = "default", "weather-report"
LOADED_WITHIN_SECONDS = 30.0
LONGEST_SHOWN = 120  # characters of a log line; a step's output is one long line


def demo(
    url: Url = DEFAULT_URL,
    save_to: Annotated[Path | None, typer.Option(help="Folder for the report's files.")] = None,
) -> None:
    """Run the weather report: start it over REST, stream its log, show its steps, timings and report."""

    async def work(client: ApiClient) -> int:
        await _wait_until_loaded(client)
        job_id = await client.execute(WORKSPACE, TASK, {})
        console.rule(f"{TASK}: job {job_id}")
        code = await follow(client, job_id, longest=LONGEST_SHOWN)
        job = await client.get(f"/api/jobs/{job_id}")
        reports = [
            output for output in (job["output"] or {}).values() if isinstance(output, dict) and "markdown" in output
        ]
        for report in reports:
            console.rule("report")
            console.print(report["markdown"], markup=False, soft_wrap=True)
            if save_to is not None:
                _save(save_to, report)
        return code if reports else 1

    with_client(url, work)


async def _wait_until_loaded(client: ApiClient) -> None:
    try:
        async with asyncio.timeout(LOADED_WITHIN_SECONDS):
            while not any(one["name"] == WORKSPACE for one in await client.get("/api/workspaces")):  # noqa: ASYNC110 - another process loads it
                await asyncio.sleep(0.2)
    except TimeoutError as error:
        raise ApiFailed(f"workspace '{WORKSPACE}' has not been loaded after {LOADED_WITHIN_SECONDS:.0f} s") from error


def _save(folder: Path, report: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for key, name in (("markdown", "weather-report.md"), ("svg", "weather-report.svg")):
        if key in report:
            (folder / name).write_text(report[key])
            console.print(f"wrote {folder / name}", markup=False)
