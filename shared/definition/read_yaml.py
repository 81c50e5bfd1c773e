"""YAML text to plain data, with the place of every key and value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shared.definition.compose_yaml import Spot, Unreadable, check_limits, compose

FILE_BYTES = 1024 * 1024
"""Largest file."""

Path = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
_TEXTS = frozenset({_TAG + "str", _TAG + "timestamp"})
_FORBIDDEN = re.compile("[\0\ud800-\udfff]")


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
    root = compose(decoded)
    try:
        data = reading.read(root, ()) if root is not None else None
    except RecursionError as error:
        raise Unreadable("nested too deeply") from error
    return Document(file, data, reading.document.keys, reading.document.values)


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
        check_limits(self._count, len(path), _spot(node))

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
        if tag in _TEXTS:
            return _check_value(str(node.value), node)
        if not tag.startswith(_TAG) or tag.removeprefix(_TAG) not in {"int", "float", "bool", "null"}:
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
    if isinstance(value, str) and _FORBIDDEN.search(value):
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
