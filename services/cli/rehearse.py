"""`headrace test`: rehearses a workspace's tasks through the engine, without a server, a worker or a clock."""

from pathlib import Path
from typing import Annotated

import typer

from shared.definition.load import load_snapshot
from shared.definition.models import WorkspaceDefinition
from shared.definition.snapshot import take_snapshot
from shared.errors import HeadraceError, Rejected
from shared.rehearsal.compare import compare
from shared.rehearsal.play import play
from shared.rehearsal.script import read_script

ENDINGS = (".rehearsal.yaml", ".rehearsal.yml")
Target = Annotated[Path, typer.Argument(help="A workspace's folder.")]
Talkative = Annotated[bool, typer.Option("--trace", help="Show what happened in each rehearsal.")]


def rehearse(workspace: Target = Path(), trace: Talkative = False) -> None:
    """Play every `*.rehearsal.yaml` of a workspace; exit code 1 if one goes otherwise than it expects."""
    try:
        snapshot = take_snapshot(workspace)
    except HeadraceError as error:
        typer.echo(f"headrace: {error}", err=True)
        raise typer.Exit(2) from error
    files = [path for path in snapshot.files if path.endswith(ENDINGS)]
    if not files:
        typer.echo(f"headrace: {workspace} has no file that ends with {ENDINGS[0]}", err=True)
        raise typer.Exit(2)
    definition = load_snapshot(snapshot).definition
    results = [_rehearse(definition, file, snapshot.files[file].content, is_traced=trace) for file in files]
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
