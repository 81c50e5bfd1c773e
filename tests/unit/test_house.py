"""The project's own rules, as tests: what no linter knows."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 300
ALLOWED_LONGER: dict[str, str] = {}
"""`{path: why it may be longer than 300 lines}`."""
VAGUE = {"utils", "util", "helpers", "helper", "common", "core", "base", "misc", "manager"}
UNFINISHED = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + "Error"]))
ADDRESS = re.compile(r"https?://|--(extra-)?index-url|--find-links|resolved")


@cache
def tracked() -> tuple[Path, ...]:
    """The files of the project: what git knows or would take, or all but hidden folders where there is no git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        listed = [str(path.relative_to(ROOT)) for path in walk(ROOT)]
    return tuple(ROOT / name for name in sorted(listed) if (ROOT / name).is_file())


def walk(folder: Path) -> Iterator[Path]:
    """Files beneath, without hidden and generated folders."""
    for path in folder.iterdir():
        if path.is_dir() and not path.name.startswith(".") and path.name != "__pycache__":
            yield from walk(path)
        elif path.is_file():
            yield path


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and "examples" not in path.relative_to(ROOT).parts]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_module_opens_with_one_sentence() -> None:
    wrong = []
    for path in python_files():
        if path.name == "__init__.py":
            continue
        first = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n\n")[0]
        if not first.endswith((".", "?", ":")):
            wrong.append(name_of(path))
    assert wrong == []


def test_package_files_are_empty() -> None:
    assert [name_of(path) for path in python_files() if path.name == "__init__.py" and path.stat().st_size] == []


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in python_files()}
    longer = {name for name, lines in lengths.items() if lines > LONGEST_FILE}
    assert longer == set(ALLOWED_LONGER), "split it, or give the reason in ALLOWED_LONGER"


def test_no_module_has_a_vague_name() -> None:
    names = {name_of(path): {path.stem, *path.relative_to(ROOT).parts[:-1]} for path in python_files()}
    assert [name for name, parts in names.items() if parts & VAGUE] == []


def test_nothing_unfinished_is_committed() -> None:
    found = [
        f"{name_of(path)}:{number}"
        for path in python_files()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*")), ids=lambda path: path.name)
def test_requirements_carry_no_addresses(path: Path) -> None:
    assert [line for line in path.read_text().splitlines() if ADDRESS.search(line)] == []


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_every_locked_package_has_a_hash_and_every_wish_is_locked(name: str) -> None:
    lock, wishes = ((ROOT / f"requirements/{name}.{kind}").read_text() for kind in ("txt", "in"))
    pinned = re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock, re.MULTILINE)
    hashed = re.findall(r"^([a-z0-9][a-z0-9._-]*)==.*\\\n    --hash=", lock, re.MULTILINE)
    wished = {wish.replace(".", "-") for wish in re.findall(r"^([a-z][a-z0-9.-]*)", wishes, re.MULTILINE)}
    assert hashed == pinned
    assert wished <= {package.replace(".", "-") for package in pinned}


def test_scripts_can_be_run() -> None:
    scripts = [path for path in tracked() if path.suffix == ".sh" or name_of(path) == ".ci/run"]
    assert scripts
    assert [name_of(path) for path in scripts if not path.stat().st_mode & 0o111] == []


def test_every_make_target_of_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {
        (name_of(path), target)
        for path in tracked()
        if path.suffix == ".md"
        for target in re.findall(r"(?:^|`)make ([a-z]+(?:-[a-z]+)*)", path.read_text(), re.MULTILINE)
    }
    assert {(name, target) for name, target in asked if target not in targets} == set()
