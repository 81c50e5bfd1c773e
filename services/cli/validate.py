"""`headrace validate`: everything that is wrong with a workspace, without a server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.cli.workspace_folder import Libraries, load_workspace
from shared.definition.load import check_text
from shared.definition.problems import Problem
from shared.errors import HeadraceError

Target = Annotated[Path, typer.Argument(help="A workspace's folder, or one workflow file.")]


def validate(path: Target = Path(), library: Libraries = []) -> None:  # noqa: B006 - typer copies it
    """Check a workspace's folder, or one file on its own; exit code 1 if anything in it can't be used."""
    try:
        problems = _problems_of(path, library)
    except (HeadraceError, OSError) as error:
        typer.echo(f"headrace: {error}", err=True)
        raise typer.Exit(2) from error
    for problem in problems:
        typer.echo(str(problem))
    errors = sum(problem.is_error for problem in problems)
    typer.echo(f"{path}: {_count(errors, 'error')}, {_count(len(problems) - errors, 'warning')}", err=True)
    raise typer.Exit(1 if errors else 0)


def _problems_of(path: Path, libraries: Sequence[str]) -> tuple[Problem, ...]:
    if path.is_file():
        _, problems = check_text(path.read_bytes(), str(path))
        return problems
    return load_workspace(path, libraries).problems


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
