"""A workspace as it lies in a folder, with the libraries that the server's configuration would give it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from shared.definition.libraries import Library, to_library
from shared.definition.load import LoadedWorkspace, load_folder, load_snapshot
from shared.definition.snapshot import take_snapshot
from shared.errors import InvalidInput

Libraries = Annotated[list[str], typer.Option("--library", help="NAME=FOLDER of a library; may be given again.")]


def load_workspace(folder: Path, libraries: Sequence[str]) -> LoadedWorkspace:
    """Read and check it.

    Raises:
        InvalidInput: a library is not written as NAME=FOLDER.
        NotFound, Rejected, Unavailable: a folder can't be read.
    """
    found = [_read_library(written) for written in libraries]
    return load_snapshot(take_snapshot(folder), libraries=found)


def _read_library(written: str) -> Library:
    name, _, folder = written.partition("=")
    if not name or not folder:
        raise InvalidInput(f"--library {written}: write NAME=FOLDER")
    loaded = load_folder(Path(folder))
    return to_library(name, loaded.revision, loaded.definition, loaded.problems, loaded.snapshot)
