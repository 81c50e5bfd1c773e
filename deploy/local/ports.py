"""Which ports the stack's processes listen on."""

import json
import random
import socket
from pathlib import Path

import psutil

from deploy.local.refused import StackRefused

RANGE = (20_000, 32_000)  # below Linux's ephemeral ports, so that no outgoing connection takes one meanwhile
TRIES = 200


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):
            return False
    return True


def pick_port() -> int:
    """A port that nobody listens on now.

    Raises:
        StackRefused: none was found in 200 tries.
    """
    chance = random.SystemRandom()
    for _ in range(TRIES):
        port = chance.randrange(*RANGE)
        if is_free(port):
            return port
    raise StackRefused(f"no free port between {RANGE[0]} and {RANGE[1]}.")


def tell_holder(port: int) -> str:
    """Who listens there, as far as this user may know: `process 4711 (python3)`."""
    try:
        listening = (one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN)
        pid = next((one.pid for one in listening if one.laddr and one.laddr[1] == port and one.pid), None)
        return f"process {pid} ({psutil.Process(pid).name()})" if pid else "another user's process"
    except psutil.Error:
        return "another process"


class PortBook:
    """The ports of one home, kept in a file so that a restarted stack keeps its addresses."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, int] = self._read()
        self._claimed: set[int] = set()

    def claim(self, name: str) -> int:
        """The port kept under this name, or a new one where that is missing or taken."""
        port = self._kept.get(name, 0)
        while not port or port in self._claimed or not is_free(port):
            port = pick_port()
        self._claimed.add(port)
        self._kept[name] = port
        return port

    def reserve(self, port: int) -> None:
        """Never hand this one out."""
        self._claimed.add(port)

    def save(self) -> None:
        """Write the file."""
        self._path.write_text(json.dumps(self._kept, indent=1) + "\n")

    def _read(self) -> dict[str, int]:
        try:
            kept = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return {name: port for name, port in kept.items() if isinstance(port, int)} if isinstance(kept, dict) else {}
