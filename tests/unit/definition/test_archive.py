"""Workspaces as archives: the same bytes each time, and nothing escapes."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from shared.definition.archive import pack_folder, unpack
from shared.errors import Poison


def tar(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A tar.gz of what an attacker likes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for entry, content in entries:
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """One member."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


def test_a_folder_comes_back_as_it_was(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub" / "deep").mkdir(parents=True)
    (source / "sub" / "deep" / "ü.txt").write_bytes(b"\x00\xff")
    (source / "run.sh").write_text("echo")
    (source / "run.sh").chmod(0o755)
    unpack(pack_folder(source), tmp_path / "target")
    assert (tmp_path / "target" / "sub" / "deep" / "ü.txt").read_bytes() == b"\x00\xff"
    assert os.access(tmp_path / "target" / "run.sh", os.X_OK)
    assert not os.access(tmp_path / "target" / "sub" / "deep" / "ü.txt", os.X_OK)


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("x")
        os.utime(tmp_path / name / "x", (len(name), ord(name)))
    assert pack_folder(tmp_path / "a") == pack_folder(tmp_path / "b")


EVIL = [
    tar((entry("../out"), b"x")),
    tar((entry("a/../../out"), b"x")),
    tar((entry("/tmp/out"), b"x")),  # noqa: S108 - a path in an archive, never opened
    tar((entry("a\\..\\out"), b"x")),
    tar((entry("."), b"")),
    tar((entry("link", tarfile.SYMTYPE, "/etc"), b"")),
    tar((entry("link", tarfile.SYMTYPE, ".."), b""), (entry("link/out"), b"x")),
    tar((entry("hard", tarfile.LNKTYPE, "/etc/passwd"), b"")),
    tar((entry("device", tarfile.CHRTYPE), b"")),
    tar((entry("pipe", tarfile.FIFOTYPE), b"")),
    tar((entry("a"), b"x"), (entry("a"), b"y")),
    tar(*[(entry(f"big{number}"), b"0" * 20_000_000) for number in range(3)]),
    b"no archive",
    gzip.compress(b"no tar either" * 100),
    tar((entry("a"), b"x" * 100_000))[:-50],
]


@pytest.mark.parametrize("data", EVIL, ids=range(len(EVIL)))
def test_an_archive_that_would_escape_or_is_damaged_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(Poison):
        unpack(data, tmp_path / "target" / "inner")
    assert not (tmp_path / "target" / "out").exists()
    assert not (tmp_path / "out").exists()


def test_a_link_in_the_target_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "target" / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Poison):
        unpack(tar((entry("sub/x"), b"x")), tmp_path / "target")
    assert list((tmp_path / "elsewhere").iterdir()) == []
