"""A Docker engine of the tests' own, with one small image and no network."""

import os
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

ANSWERS_WITHIN = 30.0  # seconds
ENDS_WITHIN = 30.0
IMAGE = "headrace-test:1"
MISSING = "the container tests need root and the Debian packages docker.io and busybox-static"


@contextmanager
def run_daemon(folder: Path) -> Iterator[str]:
    """Its address; everything that it keeps is in `folder`.

    Raises:
        AssertionError: this machine can't run one.
    """
    programs = [shutil.which(name) for name in ("dockerd", "docker", "busybox")]
    assert os.geteuid() == 0, MISSING
    assert all(programs), MISSING
    url = f"unix://{folder}/engine.sock"
    kept = [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
    apart = ["--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs", "--log-level=warn"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["dockerd", f"--host={url}", *kept, *apart], stdout=log, stderr=log)
        try:
            _wait(process, url, folder / "log")
            subprocess.run(_docker(url, "import", "-", IMAGE), input=_base_image(), check=True, stdout=log)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(ENDS_WITHIN)


def ask(url: str, *arguments: str) -> str:
    """What the `docker` program answers."""
    return subprocess.run(_docker(url, *arguments), check=True, capture_output=True, text=True, timeout=60).stdout


def _docker(url: str, *arguments: str) -> list[str]:
    return ["docker", f"--host={url}", *arguments]


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + ANSWERS_WITHIN
    while subprocess.run(_docker(url, "version"), capture_output=True, check=False).returncode:
        ended = process.poll() is not None
        assert not ended, log.read_text(errors="replace")[-2000:]
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
        time.sleep(0.1)


def _base_image() -> bytes:
    """One static program under all of its names."""
    names = subprocess.run(["busybox", "--list"], check=True, capture_output=True, text=True).stdout.split()
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        archive.add(shutil.which("busybox") or "busybox", "bin/busybox")
        for name in sorted(set(names) - {"busybox"}):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    return buffer.getvalue()
