"""`headrace validate` tells every problem at once, and its exit code says whether there is an error."""

from pathlib import Path

from typer.testing import CliRunner

from services.cli.main import app

ROOT = Path(__file__).resolve().parents[3]


def validate(path: Path, *options: str) -> tuple[int, list[str], str]:
    ended = CliRunner().invoke(app, ["validate", str(path), *options])
    return ended.exit_code, ended.stdout.splitlines(), ended.stderr.strip()


def test_a_good_workspace_ends_with_0() -> None:
    code, problems, summary = validate(ROOT / "examples" / "workspace")
    assert (code, problems) == (0, [])
    assert summary.endswith("0 errors, 0 warnings")


def test_every_problem_of_every_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("tasks: { t: { flow: { s: { action: nowhere } } } }\n")
    (tmp_path / "b.yaml").write_text("triggers: { g: { type: sun } }\nwhat: 1\n")
    code, problems, summary = validate(tmp_path)
    assert code == 1
    assert problems == [
        "a.yaml:1:36: error: unknown action 'nowhere'",
        "b.yaml:1:24: error: unknown trigger type 'sun'",
        "b.yaml:2:1: warning: unknown key 'what'",
    ]
    assert summary.endswith("2 errors, 1 warning")


def test_one_file_is_checked_on_its_own_and_warnings_do_not_fail(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("what: 1\n")
    assert validate(file)[:2] == (0, [f"{file}:1:1: warning: unknown key 'what'"])


def test_what_is_not_there_ends_with_2(tmp_path: Path) -> None:
    code, problems, said = validate(tmp_path / "nothing")
    assert (code, problems) == (2, [])
    assert "does not exist" in said


def test_a_library_is_given_by_name_and_folder(tmp_path: Path) -> None:
    tools, workspace = tmp_path / "tools", tmp_path / "workspace"
    for folder in (tools, workspace):
        folder.mkdir()
    (tools / "a.yaml").write_text("actions: { greet: { type: script, script: x } }\n")
    (workspace / "a.yaml").write_text("tasks: { t: { flow: { s: { action: tools.greet } } } }\n")
    assert validate(workspace)[0] == 1
    assert validate(workspace, "--library", f"tools={tools}")[:2] == (0, [])
    assert "NAME=FOLDER" in validate(workspace, "--library", "tools")[2]
