"""What counts as a step's output."""

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.worker.step_output import (
    LARGEST_OUTPUT_BYTES,
    LONGEST_MARKER_BYTES,
    OutputRefused,
    OutputWatch,
    gather_output,
)


def output_of(stdout: bytes, file: Path, *, size: int = 1_000_000) -> Any:
    watch = OutputWatch()
    for start in range(0, len(stdout), size):
        watch.see(stdout[start : start + size])
    return gather_output(watch, file)


@pytest.mark.parametrize("size", [1, 2, 5, 8, 1000])
@pytest.mark.parametrize(
    ("stdout", "expected"),
    [
        (b"", None),
        (b"nothing\n", None),
        (b'OUTPUT: {"a": 1}\n', {"a": 1}),
        (b'OUTPUT:{"a": 1}', {"a": 1}),
        (b"x\nOUTPUT: 1\nOUTPUT: 2\ny\n", 2),
        (b"OUTPUT: 1\nOUTPUT: nonsense\nOUTPUT: {\n", 1),
        (b"OUTPUT: NaN\nno OUTPUT: 3\n OUTPUT: 4\nOUTPU\n", None),
        (b"OUTPUT: null\r\n", None),
        (b'OUTPUT: "text"\r\nend', "text"),
        (b"OUTPUT: [1, 2]\n\n\nOUTPUT:", [1, 2]),
    ],
)
def test_the_last_valid_marker_line_wins(stdout: bytes, expected: Any, size: int, tmp_path: Path) -> None:
    assert output_of(stdout, tmp_path / "output", size=size) == expected


@pytest.mark.parametrize("size", [1000, 4096, 10_000_000])
def test_a_marker_line_may_be_longer_than_a_line_of_the_log(size: int, tmp_path: Path) -> None:
    value = {"text": "x" * 500_000}
    stdout = b"before\nOUTPUT: " + orjson.dumps(value) + b"\nafter\n"
    assert output_of(stdout, tmp_path / "output", size=size) == value


def test_an_output_over_the_limit_is_refused_with_its_size(tmp_path: Path) -> None:
    with pytest.raises(OutputRefused, match=rf"has 1500002 bytes; at most {LARGEST_OUTPUT_BYTES} are kept"):
        output_of(b'OUTPUT: "' + b"x" * 1_500_000 + b'"\n', tmp_path / "output")


def test_an_endless_marker_line_is_refused_with_the_limit(tmp_path: Path) -> None:
    with pytest.raises(OutputRefused, match=f"longer than {LONGEST_MARKER_BYTES} bytes"):
        output_of(b"OUTPUT: " + b"1" * LONGEST_MARKER_BYTES, tmp_path / "output", size=65_536)


def test_a_later_marker_line_makes_good_for_an_endless_one(tmp_path: Path) -> None:
    stdout = b"OUTPUT: " + b" " * LONGEST_MARKER_BYTES + b"\nOUTPUT: 5\n"
    assert output_of(stdout, tmp_path / "output", size=65_536) == 5


def test_too_deep_an_output_is_refused(tmp_path: Path) -> None:
    assert output_of(b"OUTPUT: " + b"[" * 60 + b"]" * 60, tmp_path / "output")
    with pytest.raises(OutputRefused, match="nested deeper than 64 levels"):
        output_of(b"OUTPUT: " + b"[" * 70 + b"]" * 70, tmp_path / "output")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("\n", None),
        ("a=1\nb = x=y\n\nc=", {"a": "1", "b": " x=y", "c": ""}),
        ('{"a": [1]}', {"a": [1]}),
    ],
)
def test_the_output_file_has_pairs_or_an_object(text: str, expected: Any, tmp_path: Path) -> None:
    (tmp_path / "output").write_text(text)
    assert output_of(b"", tmp_path / "output") == expected


def test_the_marker_line_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "output").write_text('{"a": 1, "b": 2}')
    assert output_of(b'OUTPUT: {"b": 3}', tmp_path / "output") == {"a": 1, "b": 3}
    assert output_of(b"OUTPUT: 7", tmp_path / "output") == 7


@pytest.mark.parametrize(
    ("text", "told"), [("a=1\nhello\n", "Line 2 of the output file is not key=value"), ("{", "not valid JSON")]
)
def test_an_output_file_that_makes_no_sense_is_refused(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "output").write_text(text)
    with pytest.raises(OutputRefused, match=told):
        output_of(b"", tmp_path / "output")


def test_an_output_file_that_is_a_link_or_a_pipe_or_a_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(OutputRefused, match="output file"):
            output_of(b"", tmp_path / name)


def test_a_huge_output_file_is_refused_without_being_read(tmp_path: Path) -> None:
    with (tmp_path / "output").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(OutputRefused, match="has 1000000000000 bytes"):
        output_of(b"", tmp_path / "output")
