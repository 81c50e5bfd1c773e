"""Commands that steer a job: pause, resume, retry, approve, reject, skip, and explain why it waits."""

import json
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape

from services.cli.client import ApiClient
from services.cli.jobs import DEFAULT_URL, Url, with_client
from services.cli.show import console

Step = Annotated[str, typer.Argument(help="Step name.")]


def pause(job_id: str, url: Url = DEFAULT_URL) -> None:
    """Pause a job: nothing new starts, running steps finish."""
    _post(url, f"/api/jobs/{job_id}/pause")


def resume(job_id: str, url: Url = DEFAULT_URL) -> None:
    """Let a paused job go on."""
    _post(url, f"/api/jobs/{job_id}/resume")


def retry(
    job_id: str,
    step: Annotated[str | None, typer.Option("--step", help="Run only this step again, in the same job.")] = None,
    with_dependents: Annotated[bool, typer.Option("--with-dependents", help="And all that depends on it.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Retry a job that has ended as a new one, whose completed steps keep their outputs; or run one step again."""
    if step is None:
        if with_dependents:
            raise typer.BadParameter("--with-dependents needs --step")
        _post(url, f"/api/jobs/{job_id}/retry")
    else:
        _post(url, _about(job_id, step, "replay" if with_dependents else "retry"))


def approve(
    job_id: str,
    step: Step,
    values: Annotated[str | None, typer.Option("--input", help="The filled form, a JSON object.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Approve a step that waits for it."""
    body: dict[str, Any] = {"approved": True}
    if values is not None:
        body["input"] = _parse(values)
    _post(url, _about(job_id, step, "approve"), body)


def reject(
    job_id: str,
    step: Step,
    reason: Annotated[str | None, typer.Option("--reason", help="What the step's error says.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Reject a step that waits for an approval; it fails."""
    _post(url, _about(job_id, step, "approve"), {"approved": False, "rejection_reason": reason})


def skip(
    job_id: str,
    step: Step,
    reason: Annotated[str | None, typer.Option("--reason", help="Why.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Pass over a step that is pending or suspended; its dependents go on."""
    _post(url, _about(job_id, step, "skip"), {"reason": reason})


def explain(job_id: str, url: Url = DEFAULT_URL) -> None:
    """Tell what a job and each of its open steps wait for."""

    async def work(client: ApiClient) -> int:
        found = await client.get(f"/api/jobs/{job_id}/explain")
        told = found["waits_for"]["sentence"] if found["waits_for"] else f"The job is {found['status']}"
        console.print(escape(told))
        for step in found["steps"]:
            for wait in step["waits_for"]:
                console.print(f"  {escape(step['step_name'])} ({step['status']}): {escape(wait['sentence'])}")
        return 0

    with_client(url, work)


ABOUT_JOBS: tuple[Callable[..., None], ...] = (pause, resume, retry, explain)
ABOUT_STEPS: tuple[Callable[..., None], ...] = (approve, reject, skip)


def _about(job_id: str, step: str, verb: str) -> str:
    return f"/api/jobs/{job_id}/steps/{quote(step, safe='')}/{verb}"


def _parse(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"--input is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise typer.BadParameter("--input must be a JSON object")
    return given


def _post(url: str, path: str, body: Any = None) -> None:
    """Do it, and print each value of the answer with its name."""

    async def work(client: ApiClient) -> int:
        for name, value in (await client.post(path, body)).items():
            console.print(f"{name}: {value}", markup=False)
        return 0

    with_client(url, work)
