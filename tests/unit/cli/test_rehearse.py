"""`headrace test` plays every rehearsal of a workspace, and its exit code says whether all went as expected."""

from pathlib import Path

from typer.testing import CliRunner

from services.cli.main import app

ROOT = Path(__file__).resolve().parents[3]
WORKFLOW = "tasks: { t: { flow: { s: { type: script, script: 'true' } } } }\n"


def rehearse(folder: Path, *options: str) -> tuple[int, list[str], str]:
    ended = CliRunner().invoke(app, ["test", str(folder), *options])
    return ended.exit_code, ended.stdout.splitlines(), ended.stderr.strip()


def test_the_examples_do_what_their_rehearsals_say() -> None:
    code, told, summary = rehearse(ROOT / "examples" / "workspace")
    assert (code, [line for line in told if not line.startswith("ok")]) == (0, [])
    assert summary == f"{len(told)} of {len(told)} rehearsals went as expected"


def test_a_difference_is_told_and_fails(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(WORKFLOW)
    (tmp_path / "a.rehearsal.yaml").write_text("task: t\nexpect: { status: failed }\n")
    (tmp_path / "b.rehearsal.yml").write_text("task: t\n")
    (tmp_path / "c.rehearsal.yaml").write_text("task: u\n")
    code, told, summary = rehearse(tmp_path)
    assert (code, summary) == (1, "1 of 3 rehearsals went as expected")
    assert told == [
        "FAILED a.rehearsal.yaml",
        "       the job is completed, expected failed",
        "ok     b.rehearsal.yml",
        "FAILED c.rehearsal.yaml",
        "       the workspace has no task 'u'",
    ]


def test_what_happened_is_shown_on_request(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(WORKFLOW)
    (tmp_path / "a.rehearsal.yaml").write_text("task: t\n")
    _, told, _ = rehearse(tmp_path, "--trace")
    assert [line.strip() for line in told[1:]] == [
        "run s 1",
        "s is running",
        "job is running",
        "s is completed",
        "job is completed",
    ]


def test_a_workspace_without_rehearsals_or_without_a_folder_ends_with_2(tmp_path: Path) -> None:
    assert rehearse(tmp_path)[0] == 2
    assert rehearse(tmp_path / "nothing")[0] == 2
