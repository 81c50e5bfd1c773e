"""YAML text to plain data, with the place of every key and value."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

FILE_BYTES = 1024 * 1024
"""Largest file."""

LEVELS = 40
"""Deepest nesting; real files have about ten."""

VALUES = 50_000
"""Most values in a file, each use of an alias counted anew."""

Path = tuple[str | int, ...]
Spot = tuple[int, int]
"""Line and column, from 1."""

_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"


class Unreadable(Exception):  # noqa: N818 - the broken fact
    """The text is no YAML that is taken here."""

    def __init__(self, message: str, spot: Spot = (1, 1)) -> None:
        super().__init__(message)
        self.message = message
        self.spot = spot


@dataclass(frozen=True, slots=True)
class Document:
    """A file's data; `keys` and `values` say where each path's key and value begin."""

    file: str
    data: Any
    keys: dict[Path, Spot] = field(default_factory=dict, repr=False)
    values: dict[Path, Spot] = field(default_factory=dict, repr=False)

    def spot_of(self, path: Path, *, is_key: bool = False) -> Spot:
        """Where the path's value (or key) begins; of what is not there, the key of the nearest thing around it."""
        if not is_key and path in self.values:
            return self.values[path]
        for end in range(len(path), 0, -1):
            if path[:end] in self.keys:
                return self.keys[path[:end]]
            if path[:end] in self.values:
                return self.values[path[:end]]
        return (1, 1)


def read_yaml(text: bytes, file: str) -> Document:
    """Read one document; dates stay text, `NaN` and unknown tags are refused.

    Raises:
        Unreadable: too large, not UTF-8, bad syntax, a key twice, too deep, an alias bomb, more than one document.
    """
    if len(text) > FILE_BYTES:
        raise Unreadable(f"the file is larger than {FILE_BYTES} bytes")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise Unreadable("the file is not UTF-8", (line, 1)) from error
    reading = _Reading(Document(file, None))
    root = _compose(decoded)
    try:
        data = reading.read(root, ()) if root is not None else None
    except RecursionError as error:
        raise Unreadable("nested too deeply") from error
    return Document(file, data, reading.document.keys, reading.document.values)


def _compose(text: str) -> Node | None:
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
        _check_limits(self.count, self.levels - 2, (mark.line + 1, mark.column + 1))
        node: Node = super().compose_node(parent, index)
        self.levels -= 1
        return node


def _check_limits(count: int, levels: int, spot: Spot) -> None:
    if count > VALUES:
        raise Unreadable(f"more than {VALUES} values, aliases counted", spot)
    if levels > LEVELS:
        raise Unreadable(f"nested deeper than {LEVELS} levels", spot)


class _Reading:
    """Turns nodes into data and notes where they were."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._count = 0
        self._constructor = YAML(typ="safe", pure=True).constructor

    def read(self, node: Node, path: Path) -> Any:
        self._count_one(node, path)
        self.document.values[path] = _spot(node)
        if isinstance(node, MappingNode):
            return self._read_map(node, path)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return self._read_scalar(node)
        raise Unreadable("bad YAML", _spot(node))

    def _count_one(self, node: Node, path: Path) -> None:
        self._count += 1
        _check_limits(self._count, len(path), _spot(node))

    def _read_map(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged = {**self._read_merge(value_node, path), **merged}
                continue
            key = self._read_key(key_node)
            if key in found:
                raise Unreadable(f"the key '{key}' stands twice in the same map", _spot(key_node))
            self.document.keys[(*path, key)] = _spot(key_node)
            found[key] = self.read(value_node, (*path, key))
        return {**merged, **found}

    def _read_merge(self, node: Node, path: Path) -> dict[str, Any]:
        nodes = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for one in nodes:
            if not isinstance(one, MappingNode):
                raise Unreadable("`<<` needs a map", _spot(one))
            self._count_one(one, path)
            merged = {**self._read_map(one, path), **merged}
        return merged

    def _read_key(self, node: Node) -> str:
        value = self._read_scalar(node) if isinstance(node, ScalarNode) else None
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            return str(_check_value(node.value, node))
        raise Unreadable("a key must be text", _spot(node))

    def _read_scalar(self, node: ScalarNode) -> Any:
        tag = str(node.tag)
        if tag == _TAG + "timestamp":
            return str(node.value)
        if not tag.startswith(_TAG) or tag.removeprefix(_TAG) not in {"str", "int", "float", "bool", "null"}:
            raise Unreadable(f"unknown tag '{tag.replace(_TAG, '!!')}'", _spot(node))
        try:
            value = self._constructor.construct_object(node)
        except (YAMLError, ValueError) as error:
            raise Unreadable(f"bad value '{node.value}'", _spot(node)) from error
        return _check_value(value, node)


def _check_value(value: Any, node: Node) -> Any:
    """Refuse what JSON or the database can't hold."""
    if isinstance(value, float) and not isfinite(value):
        raise Unreadable("JSON has no such number", _spot(node))
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Unreadable("the number is too large", _spot(node))
    if isinstance(value, str) and ("\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise Unreadable("the text has a character that is not allowed", _spot(node))
    return value


def _spot(node: Node) -> Spot:
    return (node.start_mark.line + 1, node.start_mark.column + 1)


def walk(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value inside `data` that is no list or map, with its path."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from walk(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from walk(value, (*path, index))
    else:
        yield path, data
