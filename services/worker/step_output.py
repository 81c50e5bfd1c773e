"""What a step gives back: `OUTPUT:` lines of its stdout, and its output file."""

import os
import stat
from pathlib import Path
from typing import Any

import orjson

MARKER = b"OUTPUT:"
LONGEST_MARKER_BYTES = 16 * 1024 * 1024
LARGEST_OUTPUT_BYTES = 1024 * 1024
DEEPEST_OUTPUT = 64  # levels of lists and objects; the database allows 100 for the whole job


class OutputRefused(Exception):  # noqa: N818 - the broken fact
    """The step gave back what can't be kept; the text says why."""


class OutputWatch:
    """Looks for `OUTPUT: <json>` lines in raw stdout; the last valid one wins, invalid ones are passed over."""

    def __init__(self, marker: bytes = MARKER) -> None:
        self.value: Any = None
        self.is_found = False
        self.is_too_long = False
        self._marker = marker
        self._line: bytearray | None = bytearray()

    def see(self, data: bytes) -> None:
        """Look at the next bytes of the stream."""
        start = 0
        if self._line is not None:
            end = data.find(b"\n")
            self._extend(data if end < 0 else data[:end])
            if end < 0:
                return
            self.end()
            start = end + 1
        if start == 0 and b"\n" not in data:
            return
        self._see_whole_lines(data, start)
        self._line = bytearray()
        self._extend(data[data.rfind(b"\n") + 1 :])

    def end(self) -> None:
        """The stream, or the line that is being gathered, is over."""
        line, self._line = self._line, None
        if line is not None and line.startswith(self._marker):
            self._judge(bytes(line[len(self._marker) :]))

    def _see_whole_lines(self, data: bytes, start: int) -> None:
        """Judge the marker lines that lie in `data` from `start` on; `start` 0 is the middle of another line."""
        last = data.rfind(b"\n")
        at = data.find(b"\n" + self._marker, max(start - 1, 0))
        while 0 <= at < last:
            stop = data.find(b"\n", at + 1)
            self._judge(data[at + 1 + len(self._marker) : stop])
            at = data.find(b"\n" + self._marker, stop)

    def _extend(self, part: bytes) -> None:
        if self._line is None:
            return
        self._line += part
        if len(self._line) > LONGEST_MARKER_BYTES:
            self._line, self.is_too_long = None, True
        elif not (self._line.startswith(self._marker) or self._marker.startswith(bytes(self._line))):
            self._line = None

    def _judge(self, text: bytes) -> None:
        try:
            self.value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return
        self.is_found, self.is_too_long = True, False


def gather_output(watch: OutputWatch, file: Path) -> Any:
    """The step's output: the `OUTPUT:` value; where it and the file are objects, both, and the `OUTPUT:` value wins.

    Raises:
        OutputRefused: it is too large or too deep, or the file can't be understood.
    """
    watch.end()
    if watch.is_too_long:
        raise OutputRefused(f"The step's OUTPUT line is longer than {LONGEST_MARKER_BYTES} bytes")
    written = _read_file(file)
    output = watch.value if watch.is_found else written
    if watch.is_found and isinstance(watch.value, dict) and written:
        output = {**written, **watch.value}
    check_output(output)
    return output


def check_output(output: Any) -> None:
    """Refuse what can't be kept.

    Raises:
        OutputRefused: it is too large or too deep.
    """
    try:
        size = len(orjson.dumps(output))
    except orjson.JSONEncodeError as error:
        raise OutputRefused(f"The step's output can't be kept: {error}") from None
    if size > LARGEST_OUTPUT_BYTES:
        raise OutputRefused(f"The step's output has {size} bytes; at most {LARGEST_OUTPUT_BYTES} are kept")
    if _is_deeper(output, DEEPEST_OUTPUT):
        raise OutputRefused(f"The step's output is nested deeper than {DEEPEST_OUTPUT} levels")


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    children = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(child, levels - 1) for child in children)


def _read_file(file: Path) -> dict[str, Any] | None:
    """The file as an object, None if it is missing or empty; only a plain file is read."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputRefused(f"The output file can't be read: {error.strerror}") from None
    try:
        _check_file(os.fstat(descriptor))
        with os.fdopen(os.dup(descriptor), "rb") as opened:
            text = opened.read(LONGEST_MARKER_BYTES)
    finally:
        os.close(descriptor)
    return _parse(text) if text.strip() else None


def _check_file(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OutputRefused("The output file is not a plain file")
    if status.st_size > LONGEST_MARKER_BYTES:
        raise OutputRefused(f"The output file has {status.st_size} bytes; at most {LARGEST_OUTPUT_BYTES} are kept")


def _parse(text: bytes) -> dict[str, Any]:
    if text.lstrip().startswith(b"{"):
        try:
            value: dict[str, Any] = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise OutputRefused(f"The output file is not valid JSON: {error}") from None
        return value
    found: dict[str, Any] = {}
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), start=1):
        key, equals, value_text = line.partition("=")
        if equals and key.strip():
            found[key.strip()] = value_text
        elif line.strip():
            raise OutputRefused(f"Line {number} of the output file is not key=value")
    return found
