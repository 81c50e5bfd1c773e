"""A Python process that calls functions, one at a time, for as long as it stays clean."""

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from services.worker.functions import host
from services.worker.process_group import Launch, ProcessGroup, ProcessGroups
from services.worker.step_output import LONGEST_MARKER_BYTES

_HOST = str(Path(host.__file__).resolve())


@dataclass(eq=False)
class WarmProcess:
    """A started interpreter; `folder` is the workspace copy that it serves, None before it has one."""

    group: ProcessGroup
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    folder: Path | None = None
    calls: int = 0
    is_dirty: bool = False
    _ended: bool = field(default=False, init=False)

    def take_workspace(self, folder: Path) -> None:
        """From now on it serves the copy in `folder`."""
        self.folder = folder
        self._send({"workspace": str(folder / "workspace")})

    def new_pipes(self) -> tuple[int, int]:
        """The reading ends of stdout and stderr once more, for one call; the caller closes them."""
        return os.dup(self.group.pipes[0]), os.dup(self.group.pipes[1])

    async def call(self, call: str, inputs: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any] | None:
        """The answer, `{"output": …}` or `{"error": …}`; None: the process ended instead."""
        self.calls += 1
        self.is_dirty = True  # until it answers
        self._send({"call": call, "input": inputs, "env": environment})
        try:
            line = await self.reader.readline()
        except ValueError:  # longer than the limit
            return {"error": f"The function's result has more than {LONGEST_MARKER_BYTES} bytes"}
        except ConnectionError:
            line = b""
        if not line.endswith(b"\n"):
            return None
        answer: dict[str, Any] = orjson.loads(line)
        self.is_dirty = bool(answer.pop("leaks", "")) or self.group.has_strays()
        return answer

    async def end(self) -> int:
        """End it and what it left behind, at once if it idles; answers its exit code. Repeats: harmless."""
        if self._ended:
            return 0
        self._ended = True
        self.writer.close()  # tells an idle one to end
        await self.group.kill()
        status = await self.group.clear()
        for pipe in self.group.pipes:
            os.close(pipe)
        return status

    def _send(self, message: Mapping[str, Any]) -> None:
        self.writer.write(orjson.dumps(message) + b"\n")


async def start_process(
    processes: ProcessGroups, program: Sequence[str], environment: Mapping[str, str]
) -> WarmProcess:
    """Start an interpreter (about 2 ms here; it is ready some 20 ms later).

    Raises:
        OSError: it can't be started.
    """
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            command = [*program, _HOST, str(theirs.fileno())]
            group = processes.start(Launch(command, environment, Path("/"), passed=(theirs.fileno(),)))
        reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST_MARKER_BYTES)
    except BaseException:
        ours.close()
        raise
    return WarmProcess(group, reader, writer)
