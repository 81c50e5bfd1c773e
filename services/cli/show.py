"""How jobs, steps and log lines look in a terminal."""

import json
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

STYLES = {"completed": "green", "failed": "red", "cancelled": "yellow", "running": "cyan", "skipped": "dim"}
CONTROL = dict.fromkeys((*range(9), *range(10, 32), 127, *range(128, 160)))
"""Control characters (all but tab) that a log line must not send to a terminal."""

console = Console(highlight=False)


def show_line(raw: str, *, longest: int | None = None) -> None:
    """One JSONL log line as `HH:MM:SS.mmm step | text`; `longest` cuts longer text and says so."""
    line = json.loads(raw)
    at = datetime.fromisoformat(line["ts"]).strftime("%H:%M:%S.%f")[:-3]
    style = "red" if line["stream"] == "stderr" and line["step"] != "_server" else "default"
    said = str(line["line"]).translate(CONTROL)
    if longest is not None and len(said) > longest:
        said = f"{said[:longest]}… ({len(said) - longest} more characters)"
    text = escape(said)
    console.print(
        f"[dim]{at}[/dim] [cyan]{escape(line['step']):<18}[/cyan] | [{style}]{text}[/{style}]", soft_wrap=True
    )


def show_job(job: dict[str, Any]) -> None:
    """A job's steps with their timings, then its status."""
    table = Table(title=f"{job['task_name']}  {job['job_id']}", title_justify="left")
    for heading in ("step", "status", "waited", "ran", "error"):
        table.add_column(heading, justify="right" if heading in {"waited", "ran"} else "left")
    for step in job["steps"]:
        table.add_row(
            escape(step["step_name"]),
            _coloured(step["status"]),
            _between(step.get("ready_at"), step["started_at"]),
            _between(step["started_at"], step["completed_at"]),
            escape((step["error_message"] or "").splitlines()[0] if step["error_message"] else ""),
        )
    console.print(table)
    console.print(f"job {_coloured(job['status'])} in {_between(job['created_at'], job['completed_at'])}")


def _coloured(status: str) -> str:
    style = STYLES.get(status, "default")
    return f"[{style}]{status}[/{style}]"


def _between(start: str | None, end: str | None) -> str:
    if not start or not end:
        return ""
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
