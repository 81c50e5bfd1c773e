"""Bytes of a stream to lines of text, with flat memory."""

LONGEST_LINE_BYTES = 16 * 1024
CONTINUED = " ⏎"
"""Ends each piece of a line over 16 KiB but the last: a reader who strips it and joins has the whole line."""

_LONGEST_CHARACTER_BYTES = 4
_CONTINUATION = 0b1000_0000
_CONTINUATION_MASK = 0b1100_0000


class LineSplitter:
    """One stream's lines: UTF-8 with invalid bytes replaced, without LF or CR LF at the end, long ones in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes, and pieces of one that is already too long."""
        if self._rest:
            data = self._rest + data
        cut = data.rfind(b"\n")
        lines = [] if cut < 0 else _split(data[:cut])
        self._rest = _cut_pieces(data[cut + 1 :], lines)
        return lines

    def end(self) -> list[str]:
        """The last line, if it had no line end."""
        rest, self._rest = self._rest, b""
        return [_decode(rest.removesuffix(b"\r"))] if rest else []


def _split(body: bytes) -> list[str]:
    lines = body.decode("utf-8", "replace").split("\n")
    if max(map(len, lines)) * _LONGEST_CHARACTER_BYTES > LONGEST_LINE_BYTES:
        return _split_long(body)
    if b"\r" in body:
        return [line.removesuffix("\r") for line in lines]
    return lines


def _split_long(body: bytes) -> list[str]:
    lines: list[str] = []
    for line in body.split(b"\n"):
        lines.append(_decode(_cut_pieces(line.removesuffix(b"\r"), lines)))
    return lines


def _cut_pieces(line: bytes, pieces: list[str]) -> bytes:
    """Cut what is over the limit off the front of `line`; answers the rest, empty only if `line` is."""
    start = 0
    while len(line) - start > LONGEST_LINE_BYTES:
        end = start + LONGEST_LINE_BYTES
        while line[end] & _CONTINUATION_MASK == _CONTINUATION and end > start + LONGEST_LINE_BYTES - 4:
            end -= 1  # not within a character
        pieces.append(_decode(line[start:end]) + CONTINUED)
        start = end
    return line[start:]


def _decode(line: bytes) -> str:
    return line.decode("utf-8", "replace")
