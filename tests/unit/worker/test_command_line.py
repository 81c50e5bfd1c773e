"""How a script action becomes arguments."""

import os
from pathlib import Path
from typing import Any

import pytest

from services.worker.runners.command_line import build_command
from services.worker.runners.runner import CannotRun

PATH = os.environ["PATH"]


def command(spec: dict[str, Any], workspace: Path) -> list[str]:
    return build_command(spec, workspace, path=PATH)


def test_inline_shell_is_a_file_with_arguments(tmp_path: Path) -> None:
    shell, script, *arguments = command({"script": "echo $1", "args": ["a b", 3]}, tmp_path)
    assert shell == "/bin/sh"
    assert Path(script).read_text() == "echo $1"
    assert arguments == ["a b", "3"]


def test_the_first_line_of_a_script_names_its_interpreter(tmp_path: Path) -> None:
    first, *rest = command({"script": "#!/usr/bin/env -S bash -e\ntrue"}, tmp_path)
    assert [Path(first).name, *rest[:-1]] == ["env", "-S", "bash", "-e"]


def test_a_named_interpreter_wins(tmp_path: Path) -> None:
    assert Path(command({"script": "#!/bin/sh\ntrue", "interpreter": "bash"}, tmp_path)[0]).name == "bash"


def test_inline_python_lies_in_the_workspace_so_that_it_can_import_from_there(tmp_path: Path) -> None:
    python, script = command({"script": "import x", "language": "python"}, tmp_path)
    assert Path(python).name.startswith("python")
    assert Path(script).parent == tmp_path


def test_inline_text_never_follows_a_link_of_the_workspace(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("untouched")
    (tmp_path / ".headrace_script.sh").symlink_to(target)
    command({"script": "true"}, tmp_path)
    assert target.read_text() == "untouched"


def test_a_source_is_a_file_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("true")
    assert command({"source": "run.sh"}, tmp_path) == ["/bin/sh", str((tmp_path / "run.sh").resolve())]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"language": "perl", "script": ""}, "language 'perl' is not supported by this worker"),
        ({"source": "../secret"}, "source '../secret' lies outside of the workspace"),
        ({"source": "/etc/passwd"}, "source '/etc/passwd' lies outside of the workspace"),
        ({"source": "link"}, "source 'link' lies outside of the workspace"),
        ({"source": "missing"}, "source 'missing' is not a file of the workspace"),
        ({"source": "."}, "source '.' is not a file of the workspace"),
        ({"script": "", "interpreter": "no-such-program"}, "interpreter 'no-such-program' is not installed"),
        ({"script": "", "interpreter": "sh -c"}, "interpreter 'sh -c' is not a plain name or path"),
        ({"script": "#!/no/such/program\n"}, "interpreter '/no/such/program' is not installed on this worker"),
    ],
)
def test_what_cannot_run_is_told_in_a_sentence(spec: dict[str, Any], told: str, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "link").symlink_to("/etc/passwd")
    with pytest.raises(CannotRun) as refusal:
        command(spec, workspace)
    assert told in str(refusal.value)
