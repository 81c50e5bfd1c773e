"""`headrace test`: rehearses a workspace's tasks through the engine, without a server, a worker or a clock."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.workspace_folder import Libraries, load_workspace
from shared.definition.models import WorkspaceDefinition
from shared.errors import HeadraceError, Rejected
from shared.rehearsal.compare import compare
from shared.rehearsal.play import play
from shared.rehearsal.script import read_script

ENDINGS = (".rehearsal.yaml", ".rehearsal.yml")
Target = Annotated[Path, typer.Argument(help="A workspace's folder.")]
Talkative = Annotated[bool, typer.Option("--trace", help="Show what happened in each rehearsal.")]


def rehearse(workspace: Target = Path(), trace: Talkative = False, library: Libraries = []) -> None:  # noqa: B006 - typer copies it
    """Play every `*.rehearsal.yaml` of a workspace; exit code 1 if one goes otherwise than it expects."""
    try:
        loaded = load_workspace(workspace, library)
    except HeadraceError as error:
        typer.echo(f"headrace: {error}", err=True)
        raise typer.Exit(2) from error
    files = [path for path in loaded.snapshot.files if path.endswith(ENDINGS)]
    if not files:
        typer.echo(f"headrace: {workspace} has no file that ends with {ENDINGS[0]}", err=True)
        raise typer.Exit(2)
    results = [
        _rehearse(loaded.definition, file, loaded.snapshot.files[file].content, is_traced=trace) for file in files
    ]
    typer.echo(f"{sum(results)} of {len(files)} rehearsals went as expected", err=True)
    raise typer.Exit(0 if all(results) else 1)


def _rehearse(definition: WorkspaceDefinition, file: str, text: bytes, *, is_traced: bool) -> bool:
    trace: list[str] = []
    try:
        script = read_script(text, file)
        played = play(definition, script)
        trace, differences = played.trace, compare(script.expect, played)
    except Rejected as error:
        differences = [error.message]
    typer.echo(f"{'FAILED' if differences else 'ok    '} {file}")
    for line in trace if is_traced else []:
        typer.echo(f"       {line}")
    for difference in differences:
        typer.echo(f"       {difference}")
    return not differences
