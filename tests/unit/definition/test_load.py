"""Workspaces from folders: what is found, what wins, what is refused."""

import os
from pathlib import Path

import pytest

from shared.definition.check import problems_of_task
from shared.definition.load import load_folder
from shared.definition.models import WorkspaceDefinition
from shared.definition.snapshot import fingerprint
from shared.errors import NotFound

TASK = "tasks:\n  {name}:\n    description: {name} of {file}\n    flow:\n      s: {{ type: script, script: echo }}\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    """Files below the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def task(name: str, file: str = "here") -> str:
    """A file with one task."""
    return TASK.format(name=name, file=file)


def test_files_below_dot_workflows_are_read_and_their_folder_becomes_the_task_s(tmp_path: Path) -> None:
    write(tmp_path, {".workflows/a.yaml": task("a"), ".workflows/x/y/b.yml": task("b"), "root.yaml": task("c")})
    loaded = load_folder(tmp_path)
    assert {name: one.folder for name, one in loaded.definition.tasks.items()} == {"a": None, "b": "x/y"}
    assert loaded.problems == ()


def test_without_dot_workflows_the_whole_folder_is_read(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": task("a"), "sub/b.yml": task("b"), "c.json": "{}", "sub/notes.txt": "x"})
    assert set(load_folder(tmp_path).definition.tasks) == {"a", "b"}


def test_of_two_things_with_one_name_the_later_file_wins_with_a_warning(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": task("t", "a"), "b.yaml": task("t", "b")})
    loaded = load_folder(tmp_path)
    assert loaded.definition.tasks["t"].description == "t of b"
    told = "b.yaml:2:3: warning: the task 't' also stands in a.yaml:2; this one wins"
    assert [str(problem) for problem in loaded.problems] == [told]


def test_hook_lists_of_several_files_are_joined(tmp_path: Path) -> None:
    hook = "actions:\n  {0}: {{ type: script, script: echo }}\non_error:\n  - action: {0}\n"
    write(tmp_path, {"a.yaml": hook.format("one"), "b.yaml": hook.format("two")})
    assert [hook.action for hook in load_folder(tmp_path).definition.on_error] == ["one", "two"]


def test_an_action_may_stand_in_another_file(tmp_path: Path) -> None:
    uses = "tasks:\n  t:\n    flow:\n      s: { action: say }\n"
    write(tmp_path, {"a.yaml": uses, "b.yaml": "actions:\n  say: { type: script, source: x.sh }\n", "x.sh": "echo"})
    assert load_folder(tmp_path).problems == ()


def test_a_bad_file_is_told_and_the_good_ones_stay(tmp_path: Path) -> None:
    write(tmp_path, {"bad.yaml": "tasks: [", "good.yaml": task("good")})
    loaded = load_folder(tmp_path)
    assert set(loaded.definition.tasks) == {"good"}
    assert [problem.file for problem in loaded.problems] == ["bad.yaml"]


def test_a_bad_task_is_marked_and_listed_and_the_others_can_run(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "tasks:\n  bad:\n    flow:\n      s: { action: nowhere }\n", "b.yaml": task("good")})
    loaded = load_folder(tmp_path)
    assert loaded.definition.tasks["bad"].errors == ["a.yaml:4:20: error: unknown action 'nowhere'"]
    assert loaded.definition.tasks["good"].errors == []
    assert problems_of_task(loaded.definition, loaded.problems, "good") == ()


def test_a_bad_action_makes_only_its_tasks_unusable(tmp_path: Path) -> None:
    text = (
        "actions:\n  bad: { type: pod, image: x }\ntasks:\n  uses:\n    flow:\n      s: { action: bad }\n"
        "  other:\n    flow:\n      s: { type: script, script: x }\n"
    )
    loaded = load_folder(write(tmp_path, {"a.yaml": text}))
    errors = {name: len(one.errors) for name, one in loaded.definition.tasks.items()}
    assert errors == {"uses": 1, "other": 0}
    (problem,) = problems_of_task(loaded.definition, loaded.problems, "uses")
    assert problem.subject == "action bad"


def test_a_missing_source_file_is_told_with_a_near_one(tmp_path: Path) -> None:
    text = "actions:\n  a: { type: script, source: scripts/rnu.py, language: python }\n"
    loaded = load_folder(write(tmp_path, {".workflows/a.yaml": text, "scripts/run.py": ""}))
    assert [str(problem) for problem in loaded.problems] == [
        ".workflows/a.yaml:2:30: error: the workspace has no file 'scripts/rnu.py' (did you mean 'scripts/run.py'?)"
    ]


def test_links_that_leave_the_folder_are_refused_and_inner_ones_followed(tmp_path: Path) -> None:
    inside = write(tmp_path / "in", {"a.yaml": task("a"), "sub/b.txt": "b"})
    write(tmp_path / "out", {"c.yaml": task("c")})
    (inside / "c.yaml").symlink_to(tmp_path / "out" / "c.yaml")
    (inside / "d.yaml").symlink_to("nowhere")
    (inside / "e").symlink_to("sub")
    (inside / "f.txt").symlink_to("sub/b.txt")
    loaded = load_folder(inside)
    assert set(loaded.definition.tasks) == {"a"}
    assert {problem.file for problem in loaded.problems} == {"c.yaml", "d.yaml", "e"}
    assert loaded.snapshot.files["f.txt"].content == b"b"


def test_pipes_and_odd_names_do_not_hold_the_load(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": task("a")})
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / os.fsdecode(b"odd\xff.yaml")).write_text("")
    loaded = load_folder(tmp_path)
    assert set(loaded.definition.tasks) == {"a"}
    assert len(loaded.problems) == 2


def test_encrypted_files_are_refused(tmp_path: Path) -> None:
    loaded = load_folder(write(tmp_path, {"a.sops.yaml": "a: ENC"}))
    assert ["encrypted" in problem.message for problem in loaded.problems] == [True]


def test_a_missing_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load_folder(tmp_path / "nowhere")


def test_the_revision_is_of_names_modes_and_contents_and_not_of_times_or_git(tmp_path: Path) -> None:
    first = write(tmp_path / "a", {"a.yaml": task("a"), "x.sh": "echo"})
    second = write(tmp_path / "b", {"a.yaml": task("a"), "x.sh": "echo", ".git/HEAD": "x", "__pycache__/y.pyc": ""})
    os.utime(second / "x.sh", (1, 1))
    revision = load_folder(first).revision
    assert load_folder(second).revision == revision
    (second / "x.sh").chmod(0o755)
    assert load_folder(second).revision != revision


def test_the_fingerprint_changes_with_a_file(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": task("a")})
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    write(tmp_path, {"b.yaml": ""})
    assert fingerprint(tmp_path) != before


def test_a_definition_survives_its_json_form(tmp_path: Path) -> None:
    text = (
        "actions:\n  a: { type: script, script: x, tags: [gpu], input: { n: { type: integer, default: 3 } } }\n"
        "tasks:\n  t:\n    timeout: 1h30m\n    input: { d: { type: date, default: 2026-01-31 } }\n    flow:\n"
        "      s: { action: a, timeout: 45s, input: { n: 5 } }\n    on_error: [{ action: a }]\n"
        "triggers:\n  g: { type: scheduler, cron: '0 0 * * *', task: t }\n"
    )
    definition = load_folder(write(tmp_path, {"a.yaml": text})).definition
    assert definition.tasks["t"].timeout == 5400
    assert WorkspaceDefinition.model_validate(definition.model_dump(mode="json")) == definition
