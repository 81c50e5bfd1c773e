"""Which programs run scripts of which language, in the order in which they are looked for."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from services.worker.runners.runner import CannotRun

STRIPS_TYPES_SINCE = (
    22,
    6,
)  # node --experimental-strip-types; newer ones do it anyway


@dataclass(frozen=True, slots=True)
class Language:
    """`programs` are the beginnings of command lines; the first whose program is installed is taken."""

    inline_file: str
    programs: tuple[tuple[str, ...], ...]


LANGUAGES = {
    "shell": Language(".headrace_script.sh", (("/bin/sh",),)),
    "python": Language(".headrace_script.py", (("python3",), ("python",))),
    "javascript": Language(".headrace_script.js", (("bun", "run"), ("node",))),
    "typescript": Language(
        ".headrace_script.ts",
        (("bun", "run"), ("deno", "run", "--allow-all", "--quiet"), ("node", "--experimental-strip-types")),
    ),
    "go": Language("headrace_script.go", (("go", "run"),)),  # go passes over files with a dot in front
}


def find_language(name: str) -> Language:
    """The language of that name.

    Raises:
        CannotRun: unknown.
    """
    found = LANGUAGES.get({"js": "javascript", "ts": "typescript"}.get(name, name))
    if found is None:
        raise CannotRun(f"language {name!r} is not supported by this worker")
    return found


def find_program(programs: Sequence[Sequence[str]], path: str, *, needed_by: str) -> list[str]:
    """The first of them that is installed, as the beginning of a command line.

    Raises:
        CannotRun: none is; the sentence names them.
    """
    for name, *options in programs:
        if found := shutil.which(name, path=path):
            return [found, *options]
    names = " or ".join(dict.fromkeys(name for name, *_ in programs))
    raise CannotRun(f"{needed_by} needs {names}, which is not installed on this worker")


def check_node(version: str) -> None:
    """Refuse a node that can't run TypeScript; `version` is what `node --version` prints.

    Raises:
        CannotRun: too old.
    """
    found = re.match(r"v(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < STRIPS_TYPES_SINCE:
        raise CannotRun(
            "language 'typescript' needs bun, deno or node 22.6 or newer; "
            f"this worker has only node {version.strip().removeprefix('v') or 'of an unknown version'}"
        )
