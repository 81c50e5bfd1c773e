"""A process beside the worker that ends the steps' processes when the worker is killed."""

import os
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from services.worker import end_orphans

ENDS_WITHIN = timedelta(seconds=2)  # it ends by itself if that is too short


class Guard:
    """`with Guard(worker_id):`; a process of 10 MB that waits for the worker's end, in a session of its own.

    It is told by the end of a pipe that only the worker holds, so also of SIGKILL. If guard and worker are killed
    together, the next worker that finds the dead one's cache folder does the same.
    """

    def __init__(self, worker_id: str) -> None:
        self._worker_id = worker_id
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe = -1

    def __enter__(self) -> Self:
        reading, self._pipe = os.pipe2(os.O_CLOEXEC)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", "-S", str(Path(end_orphans.__file__)), self._worker_id],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(reading)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let it go: the steps have ended, it finds nothing and ends too (in about 50 ms)."""
        os.close(self._pipe)
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=ENDS_WITHIN.total_seconds())
