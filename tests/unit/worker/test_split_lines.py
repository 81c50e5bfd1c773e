"""How bytes become lines."""

import tracemalloc

import pytest

from services.worker.split_lines import CONTINUED, LONGEST_LINE_BYTES, LineSplitter


def split(data: bytes, size: int) -> list[str]:
    splitter, lines = LineSplitter(), []
    for start in range(0, len(data), size):
        lines += splitter.feed(data[start : start + size])
    return lines + splitter.end()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_where_the_reads_end_changes_nothing(size: int) -> None:
    data = "one\r\n\nzwölf 🦀\n\rthree\rfour\nlast\r".encode() + b"\xff\x00\n\xc3\nend"
    assert split(data, size) == ["one", "", "zwölf 🦀", "\rthree\rfour", "last\r�\0", "�", "end"]


def test_a_last_line_without_its_end_counts() -> None:
    assert split(b"a\nb", 10) == ["a", "b"]
    assert split(b"a\nb\n", 10) == ["a", "b"]
    assert split(b"\n\n", 10) == ["", ""]
    assert split(b"", 10) == []


@pytest.mark.parametrize("size", [1000, LONGEST_LINE_BYTES, 100_000, 10_000_000])
def test_a_long_line_comes_in_marked_pieces_that_join_to_the_whole(size: int) -> None:
    line = "äö🦀x" * 10_000
    first, *pieces, after = split(f"before\n{line}\nafter".encode(), size)
    assert (first, after) == ("before", "after")
    assert [piece.endswith(CONTINUED) for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    assert "".join(piece.removesuffix(CONTINUED) for piece in pieces) == line
    assert max(len(piece.removesuffix(CONTINUED).encode()) for piece in pieces) <= LONGEST_LINE_BYTES


def test_a_line_of_exactly_the_limit_stays_whole() -> None:
    assert split(b"x" * LONGEST_LINE_BYTES + b"\ny\n", 5000) == ["x" * LONGEST_LINE_BYTES, "y"]


def test_invalid_bytes_at_a_cut_are_replaced_and_do_not_stop_it() -> None:
    pieces = split(b"\x80" * (3 * LONGEST_LINE_BYTES), 4096)
    assert "".join(piece.removesuffix(CONTINUED) for piece in pieces) == "�" * (3 * LONGEST_LINE_BYTES)


def test_memory_stays_flat_over_an_endless_line() -> None:
    splitter, block = LineSplitter(), b"x" * 65_536
    tracemalloc.start()
    for _ in range(500):
        splitter.feed(block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
