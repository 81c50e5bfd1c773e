"""What is masked, however it is written and wherever it is cut."""

import base64
import html
import json
import shlex
import subprocess
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.worker.redact import MASK, Redactor, StreamRedactor

SECRET = "p4ss w\"o'r$d/ü+\\&"  # noqa: S105 - of nothing


def shown(text: str, *values: str) -> str:
    return Redactor(values or (SECRET,)).redact_text(text)


def printf_quoted(text: str) -> str:
    command = ["bash", "-c", 'printf %q "$1"', "-", text]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        json.dumps(json.dumps(SECRET)),
        json.dumps({"deep": [SECRET]}),
        shlex.quote(SECRET),
        html.escape(SECRET),
        printf_quoted(SECRET.replace("ü", "u")),
    ],
)
def test_a_secret_is_masked_however_it_is_written(written: str) -> None:
    found = shown(f"before {written} after", SECRET, SECRET.replace("ü", "u"))
    assert MASK in found
    assert (found[:7], found[-6:]) == ("before ", " after")
    for part in ("p4ss", "cDRzcy", "w%22o", "r$d"):
        assert part not in found


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
def test_a_secret_inside_of_base64_is_masked_at_each_offset(before: str, after: str) -> None:
    whole = base64.b64encode(f"{before}{SECRET}{after}".encode()).decode()
    found = shown(whole)
    assert MASK in found
    assert len(found.replace(MASK, "")) <= len(base64.b64encode((before + after).encode())) + 4


def test_each_line_of_a_secret_with_several_is_masked() -> None:
    key = "-----BEGIN KEY-----\nMIIabcdef\r\nghijkl\n\n-----END KEY-----\n"
    assert shown("one MIIabcdef two", key) == "one *** two"
    assert shown("ghijkl", key) == "***"
    assert shown(json.dumps(key), key) == '"***"'


def test_the_texts_in_a_secret_that_is_json_are_masked() -> None:
    assert shown('{"user": "ada", "n": 1}', '{"user": "lovelace", "keys": ["k-12345"]}') == '{"user": "ada", "n": 1}'
    assert shown("lovelace k-12345", '{"user": "lovelace", "keys": ["k-12345"]}') == "*** ***"
    assert shown("[1, 2", "[broken") == "[1, 2"


def test_what_is_shorter_than_four_characters_is_left() -> None:
    assert not Redactor(["abc", ""])
    assert shown("abcd abc", "abcd") == "*** abc"
    assert shown("nothing", "") == "nothing"


def test_the_longer_secret_is_masked_first() -> None:
    assert shown("secret-secret-2 secret", "secret", "secret-secret-2") == "*** ***"


def test_values_are_masked_in_texts_keys_and_numbers() -> None:
    redactor = Redactor(["hunter2", "123456"])
    value = {"hunter2": ["a hunter2", {"n": 123456, "f": 1.5, "b": True, "z": None}], "id": 91234567}
    assert redactor.redact_value(value) == {"***": ["a ***", {"n": "***", "f": 1.5, "b": True, "z": None}], "id": "***"}


def test_invalid_bytes_and_lone_surrogates_pass() -> None:
    assert Redactor(["hunter2"]).redact_bytes(b"\xff hunter2 \xfe") == b"\xff *** \xfe"
    assert shown("\ud800 hunter2", "hunter2") == "\ud800 ***"


@given(
    st.lists(st.sampled_from(["hunter2", "hunter", "\n", "x" * 9000, "hunt", "er2", " "]), max_size=30),
    st.lists(st.integers(1, 20_000), min_size=1, max_size=50),
)
def test_where_a_stream_is_cut_makes_no_difference(parts: list[str], sizes: list[int]) -> None:
    data = "".join(parts).encode()
    screen = StreamRedactor(redactor := Redactor(["hunter2"]))
    found, start, turn = b"", 0, 0
    while start < len(data):
        size = sizes[turn % len(sizes)]
        found += screen.feed(data[start : start + size])
        start, turn = start + size, turn + 1
    assert found + screen.end() == redactor.redact_bytes(data)


def test_whole_lines_are_not_held_back() -> None:
    screen = StreamRedactor(Redactor(["hunter2"]))
    assert screen.feed(b"one\ntwo hunt") == b"one\n"
    assert screen.feed(b"er2\n") == b"two ***\n"
    assert screen.end() == b""


def test_a_line_without_an_end_is_not_held_in_memory() -> None:
    screen = StreamRedactor(Redactor(["hunter2"]))
    passed = sum(len(screen.feed(b"x" * 10_000)) for _ in range(100))
    assert passed > 980_000
