"""YAML text to nodes with their places: read by libyaml where that is sure to mean the same, else by ruamel.

libyaml takes a thirtieth of the time, but follows YAML 1.1 in a few places and tells mistakes less well. So it is not
asked about texts with a directive or with one of the characters that only YAML 1.1 takes for a line's end; and what has
tags, anchors or mistakes is read again by ruamel, whose word counts. Scalars get their type by ruamel's rules anyhow.
"""

import re
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.resolver import VersionedResolver
from yaml import (
    CSafeLoader,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml import YAMLError as LibyamlError

LEVELS = 40
"""Deepest nesting; real files have about ten."""

VALUES = 50_000
"""Most values in a file, each use of an alias counted anew."""

Spot = tuple[int, int]
"""Line and column, from 1."""

TAGS = 4096
"""Plain scalars whose type is remembered."""

_RESOLVER = VersionedResolver(version=(1, 2))
_ODD = re.compile(r"[\x85\u2028\u2029\t]|^%|[|>][-+0-9]*#", re.MULTILINE)


class Unreadable(Exception):  # noqa: N818 - the broken fact
    """The text is no YAML that is taken here."""

    def __init__(self, message: str, spot: Spot = (1, 1)) -> None:
        super().__init__(message)
        self.message = message
        self.spot = spot


def compose(text: str) -> Node | None:
    """The root of the text's only document; None if it is empty.

    Raises:
        Unreadable: bad syntax, too deep, too much, more than one document.
    """
    if _ODD.search(text):
        return compose_carefully(text)
    try:
        return _Builder(text).build()
    except (LibyamlError, _Unsure, ValueError):
        return compose_carefully(text)


def check_limits(count: int, levels: int, spot: Spot) -> None:
    """Refuse what is too much."""
    if count > VALUES:
        raise Unreadable(f"more than {VALUES} values, aliases counted", spot)
    if levels > LEVELS:
        raise Unreadable(f"nested deeper than {LEVELS} levels", spot)


class _Unsure(Exception):  # noqa: N818 - the broken fact
    """libyaml read something that ruamel might see otherwise."""


class _Builder:
    """Makes ruamel's nodes of libyaml's events."""

    def __init__(self, text: str) -> None:
        self._loader = CSafeLoader(text)
        self._count = 0

    def build(self) -> Node | None:
        try:
            return self._read_stream()
        finally:
            self._loader.dispose()

    def _read_stream(self) -> Node | None:
        self._next()
        if not isinstance(self._next(), DocumentStartEvent):
            return None
        root = self._read(self._next(), 0)
        self._next()
        if isinstance(self._next(), DocumentStartEvent) or isinstance(root, ScalarNode):
            raise _Unsure
        return root

    def _next(self) -> Any:
        return self._loader.get_event()

    def _read(self, event: Any, levels: int) -> Node:
        mark = event.start_mark
        self._count += 1
        check_limits(self._count, levels, (mark.line + 1, mark.column + 1))
        if isinstance(event, ScalarEvent) and event.anchor is None:
            return ScalarNode(self._tag(ScalarNode, event), event.value, mark, event.end_mark)
        if isinstance(event, SequenceStartEvent) and event.anchor is None:
            items = SequenceNode(self._tag(SequenceNode, event), [], mark, event.end_mark)
            self._fill_sequence(items.value, levels + 1)
            return items
        if isinstance(event, MappingStartEvent) and event.anchor is None:
            pairs = MappingNode(self._tag(MappingNode, event), [], mark, event.end_mark)
            self._fill_map(pairs.value, levels + 1)
            return pairs
        raise _Unsure

    def _fill_sequence(self, items: list[Node], levels: int) -> None:
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._read(event, levels))

    def _fill_map(self, pairs: list[tuple[Node, Node]], levels: int) -> None:
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._read(event, levels)
            pairs.append((key, self._read(self._next(), levels)))

    def _tag(self, kind: Any, event: Any) -> Any:
        if event.tag is not None:
            raise _Unsure
        if kind is not ScalarNode:
            return _tag_of(kind, None, event.implicit)
        return _tag_of(kind, event.value if event.implicit[0] else "", event.implicit)


@lru_cache(maxsize=TAGS)
def _tag_of(kind: Any, value: str | None, implicit: Any) -> Any:
    """The type of a plain scalar by its text; the texts of keys come again and again."""
    return _RESOLVER.resolve(kind, value, implicit)


def compose_carefully(text: str) -> Node | None:
    """The same by ruamel alone.

    Raises:
        Unreadable: as `compose`.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _BoundedComposer
    try:
        root: Node | None = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Unreadable(_sentence(error), spot) from error
    except RecursionError as error:
        raise Unreadable("nested too deeply") from error
    except (YAMLError, ValueError) as error:
        raise Unreadable(f"bad YAML: {str(error).splitlines()[0]}") from error
    return root


def _sentence(error: MarkedYAMLError) -> str:
    parts = (error.context, error.problem)
    return "bad YAML: " + ", ".join(str(part) for part in parts if part)


class _BoundedComposer(Composer):
    """Stops at the first level or value too many, before the rest of the text is scanned."""

    levels = 0
    count = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node:
        self.levels += 1
        self.count += 1
        mark = self.parser.peek_event().start_mark
        check_limits(self.count, self.levels - 2, (mark.line + 1, mark.column + 1))
        node: Node = super().compose_node(parent, index)
        self.levels -= 1
        return node
