"""YAML in: plain data with places, nothing odd."""

import time

import pytest

from shared.definition.compose_yaml import Unreadable
from shared.definition.read_yaml import FILE_BYTES, read_yaml

SECONDS = 5


def test_every_key_and_value_has_its_place() -> None:
    document = read_yaml(b"a: 1\nb:\n  - x\n  - { y: 2 }\n", "f")
    assert document.data == {"a": 1, "b": ["x", {"y": 2}]}
    assert document.spot_of(("b", 1, "y"), is_key=True) == (4, 7)
    assert document.spot_of(("b", 1, "y")) == (4, 10)
    assert document.spot_of(("b", 0)) == (3, 5)


def test_the_place_of_what_is_missing_is_the_key_around_it() -> None:
    document = read_yaml(b"a:\n  b: { c: 1 }\n", "f")
    assert document.spot_of(("a", "b", "x", "y")) == (2, 3)
    assert document.spot_of(("q",)) == (1, 1)


def test_values_are_json_and_dates_stay_text() -> None:
    text = b"a: 2026-01-31\nb: yes\nc: true\nd: 0o17\ne: ~\nf: 1.5\ng: '1'\n1: x\n"
    data = {"a": "2026-01-31", "b": "yes", "c": True, "d": 15, "e": None, "f": 1.5, "g": "1", "1": "x"}
    assert read_yaml(text, "f").data == data


def test_aliases_and_merges_work() -> None:
    text = b"x: &x { p: 1, q: 2 }\ny:\n  <<: *x\n  q: 3\nz: *x\n"
    assert read_yaml(text, "f").data == {"x": {"p": 1, "q": 2}, "y": {"p": 1, "q": 3}, "z": {"p": 1, "q": 2}}


def test_an_empty_file_is_nothing() -> None:
    assert read_yaml(b"# only a comment\n", "f").data is None


BOMB = b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 10)
)
MERGE_BOMB = b"a0: &a0 {}\n" + b"".join(
    b"a%d: &a%d { <<: [%s] }\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 10)
)
BAD = [
    (b"a: \xff\n", "not UTF-8"),
    (b"a: 'x\n", "bad YAML"),
    (b"a: 1\n---\nb: 2\n", "bad YAML"),
    (b"a: \0\n", "bad YAML"),
    (b'a: "\\0"\n', "a character that is not allowed"),
    (b'a: "\\ud800"\n', "a character that is not allowed"),
    (b"a: .nan\n", "no such number"),
    (b"a: 9223372036854775808\n", "too large"),
    (b"a: " + b"9" * 5000 + b"\n", "bad value"),
    (b"? [a]\n: b\n", "a key must be text"),
    (b"true: b\n", "a key must be text"),
    (b"a: !foo b\n", "unknown tag"),
    (b"a: !!binary aGk=\n", "unknown tag"),
    (b"<<: 5\n", "`<<` needs a map"),
    (b"a: " + b"[" * 5000, "deeper than 40 levels"),
    (b"a: " + b"[" * 50 + b"]" * 50, "deeper than 40 levels"),
    (b"a: &a [*a]\n", "deeper than 40 levels"),
    (b"a: &a { <<: *a }\n", "nested too deeply"),
    (BOMB, "more than 50000 values"),
    (MERGE_BOMB, "more than 50000 values"),
    (b"#" * (FILE_BYTES + 1), "larger than"),
]


@pytest.mark.parametrize(("text", "told"), BAD, ids=lambda part: part[:30])
def test_bad_text_is_refused_soon(text: bytes, told: str) -> None:
    began = time.monotonic()
    with pytest.raises(Unreadable, match=told):
        read_yaml(text, "f")
    assert time.monotonic() - began < SECONDS


def test_the_line_of_bytes_that_are_no_text_is_told() -> None:
    with pytest.raises(Unreadable) as refused:
        read_yaml(b"a: 1\nb: 2\nc: \xff\n", "f")
    assert refused.value.spot == (3, 1)
