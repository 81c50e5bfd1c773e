"""How a script action becomes the arguments of a process."""

import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.worker.runners.languages import Language, find_language, find_program
from services.worker.runners.runner import CannotRun

_INTERPRETER = re.compile(r"[A-Za-z0-9._\-/+]+")  # Strøm's, section 1.5


def build_command(
    spec: Mapping[str, Any], workspace: Path, *, path: str, program: list[str] | None = None
) -> list[str]:
    """The arguments that run the script; inline text is written to a file in the workspace copy first.

    What runs it is `program` if given, else the action's `interpreter`, else the script's `#!` line, else its
    language's, found on `path`.

    Raises:
        CannotRun: a language this worker does not know, a source outside of the workspace, a missing interpreter.
    """
    name = str(spec.get("language") or "shell")
    language = find_language(name)
    script = find_script(spec, workspace, language)
    command = [*(program or _find_interpreter(spec, name, language, script, path)), str(script)]
    return command + [str(argument) for argument in spec.get("args") or ()]


def read_interpreter(spec: Mapping[str, Any]) -> str | None:
    """The interpreter that the action asks for.

    Raises:
        CannotRun: it is no name of one.
    """
    asked = str(spec.get("interpreter") or "")
    if asked and not _INTERPRETER.fullmatch(asked):
        raise CannotRun(f"interpreter {asked!r} is not a plain name or path")
    return asked or None


def find_script(spec: Mapping[str, Any], workspace: Path, language: Language) -> Path:
    """The script's file in the workspace copy; inline text is written there first.

    Raises:
        CannotRun: a source outside of the workspace.
    """
    return _find_source(spec, workspace) or _write_inline(spec, workspace, language.inline_file)


def _find_source(spec: Mapping[str, Any], workspace: Path) -> Path | None:
    source = spec.get("source")
    if not source:
        return None
    found = (workspace / str(source)).resolve()
    if not found.is_relative_to(workspace.resolve()):
        raise CannotRun(f"source {source!r} lies outside of the workspace")
    if not found.is_file():
        raise CannotRun(f"source {source!r} is not a file of the workspace")
    return found


def _write_inline(spec: Mapping[str, Any], workspace: Path, name: str) -> Path:
    """In the workspace's root, so that a script can import the modules beside it."""
    script = workspace / name
    script.unlink(missing_ok=True)  # the workspace may have a link of that name
    script.write_text(str(spec.get("script") or ""), "utf-8", "surrogatepass", newline="")
    return script


def _find_interpreter(spec: Mapping[str, Any], name: str, language: Language, script: Path, path: str) -> list[str]:
    asked = read_interpreter(spec)
    if asked:
        return _locate(asked, path)
    shebang = _read_shebang(script)
    if shebang:
        return [*_locate(shebang[0], path), *shebang[1:]]
    return find_program(language.programs, path, needed_by=f"language {name!r}")


def _locate(name: str, path: str) -> list[str]:
    if found := shutil.which(name, path=path):
        return [found]
    raise CannotRun(f"interpreter {name!r} is not installed on this worker")


def _read_shebang(script: Path) -> list[str]:
    """The words of the `#!` line, empty if there is none."""
    with script.open("rb") as opened:
        first = opened.readline(4096)
    if not first.startswith(b"#!"):
        return []
    try:
        return shlex.split(first[2:].decode("utf-8", "replace"))
    except ValueError:
        return []
