"""How a script action becomes the arguments of a process."""

import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.worker.runners.runner import CannotRun

SUFFIXES = {"shell": ".sh", "python": ".py"}
_INTERPRETERS = {"shell": ("/bin/sh",), "python": ("python3", "python")}
_INTERPRETER = re.compile(r"[A-Za-z0-9._\-/+]+")  # Strøm's, section 1.5


def build_command(spec: Mapping[str, Any], workspace: Path, *, path: str) -> list[str]:
    """The arguments that run the script; inline text is written to a file in the workspace copy first.

    The interpreter is the action's `interpreter`, else the script's `#!` line, else its language's, found on `path`.

    Raises:
        CannotRun: a language this worker does not know, a source outside of the workspace, a missing interpreter.
    """
    language = str(spec.get("language") or "shell")
    if language not in SUFFIXES:
        raise CannotRun(f"language {language!r} is not supported by this worker")
    if spec.get("dependencies"):
        raise CannotRun("dependencies are not supported by this worker")
    script = _find_source(spec, workspace) or _write_inline(spec, workspace, SUFFIXES[language])
    command = [*_find_interpreter(spec, language, script, path), str(script)]
    return command + [str(argument) for argument in spec.get("args") or ()]


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


def _write_inline(spec: Mapping[str, Any], workspace: Path, suffix: str) -> Path:
    """In the workspace's root, so that a Python script can import the modules beside it."""
    script = workspace / f".headrace_script{suffix}"
    script.unlink(missing_ok=True)  # the workspace may have a link of that name
    script.write_text(str(spec.get("script") or ""), "utf-8", "surrogatepass", newline="")
    return script


def _find_interpreter(spec: Mapping[str, Any], language: str, script: Path, path: str) -> list[str]:
    asked = str(spec.get("interpreter") or "")
    if asked and not _INTERPRETER.fullmatch(asked):
        raise CannotRun(f"interpreter {asked!r} is not a plain name or path")
    shebang = [] if asked else _read_shebang(script)
    if shebang:
        return [_locate((shebang[0],), path), *shebang[1:]]
    return [_locate((asked,) if asked else _INTERPRETERS[language], path)]


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


def _locate(names: tuple[str, ...], path: str) -> str:
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise CannotRun(f"interpreter {names[0]!r} is not installed on this worker")
