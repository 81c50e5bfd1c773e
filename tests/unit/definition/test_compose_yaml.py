"""The fast reading of YAML means the same as the careful one, places included."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from shared.definition.compose_yaml import Unreadable, compose, compose_carefully

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(path for folder in ("examples", "tests") for path in (ROOT / folder).rglob("*.y*ml"))
SNIPPETS = [
    "a: b # c\n",
    "a: 'it''s'\nb: \"x\\n\\u263a\\/\"\n",
    "a: |\n  x\n\n  y\nb: >-\n  p\n  q\nc: |+\n  z\n\n",
    "- - a\n  - b\n-\n  c: d\n",
    "{a: [1, 2.5, ~, true, yes, 0o17, 0x1f, 1_000], b: {c: }}\n",
    "a: &x {p: 1}\nb: *x\nc: {<<: *x, q: 2}\n",
    "? a\n: b\n",
    "a: 2026-01-31\nb: 12:30\nc: -.5\nd: .inf\ne: 1e3\nf: ''\n",
    "a: {x: y:z, u: http://h/p?q#r}\n",
    "---\na: 1\n...\n",
    "é: ü\n☺: [🙂, x]\n",
    "a: !!str 5\nb: ! 6\n",
    "%YAML 1.1\n---\na: yes\n",
    "a:\tb\n",
    "a: x\u2028y\n",
    "# nothing\n",
    "a: 1\n---\nb: 2\n",
    "a: *nowhere\n",
    "a: [1\nb: 2\n",
    "a: b: c\n",
    "",
]


def shape(node: Node | None) -> Any:
    """The node with its types and places."""
    if node is None:
        return None
    at = (str(node.tag), node.start_mark.line, node.start_mark.column)
    if isinstance(node, MappingNode):
        return (*at, [(shape(key), shape(value)) for key, value in node.value])
    if isinstance(node, SequenceNode):
        return (*at, [shape(item) for item in node.value])
    return (*at, node.value) if node.value else at[0]  # where nothing begins is a matter of taste


def read(how: Any, text: str) -> Any:
    """The document's shape, or what is wrong with it."""
    try:
        return shape(how(text))
    except Unreadable as error:
        return (error.message, error.spot)


def is_same(text: str) -> bool:
    return bool(read(compose, text) == read(compose_carefully, text))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_our_files_are_read_the_same_either_way(path: Path) -> None:
    assert is_same(path.read_text())


@pytest.mark.parametrize("text", SNIPPETS)
def test_odd_texts_are_read_the_same_either_way(text: str) -> None:
    assert read(compose, text) == read(compose_carefully, text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab:-?[]{},#&*!|>'\"% \n0.~<=", max_size=24))
def test_any_text_is_read_the_same_either_way(text: str) -> None:
    assert is_same(text)
