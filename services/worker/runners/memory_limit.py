"""A limit on the memory of each process of a step."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.worker.runners.runner import CannotRun, StepResult
from shared.engine.states import Outcome

SMALLEST_BYTES = 4 * 1024 * 1024  # below, not even a shell starts
_KIB = 1024
_TOLD = re.compile(
    r"MemoryError|[Cc]annot allocate memory|[Oo]ut of memory|OutOfMemory|bad_alloc|memory exhausted|ENOMEM"
    r"|heap out of|Killed by signal (?:5|6|11) "
)
"""What programs say, or die of, when they get no more memory."""


def read_limit(spec: Mapping[str, Any]) -> int | None:
    """The bytes that each of the step's processes may have; None: no limit.

    Raises:
        CannotRun: it is no number of bytes, or too small for anything.
    """
    asked = spec.get("memory")
    if asked is None:
        return None
    if not isinstance(asked, int) or asked < SMALLEST_BYTES:
        raise CannotRun(f"memory {asked!r} is no limit of at least {SMALLEST_BYTES} bytes")
    return asked


def limit_memory(command: Sequence[str], limit: int | None) -> list[str]:
    """The command, begun by a shell that lowers the limit first (1 ms); no process of it can raise it again.

    RLIMIT_DATA counts what a process can write to alone, touched or not: heap, anonymous maps, thread stacks; not the
    address space that V8 and Go reserve and never use. Source: getrlimit(2).
    """
    if limit is None:
        return list(command)
    return ["/bin/sh", "-c", f'ulimit -d {limit // _KIB} && exec "$0" "$@"', *command]


def name_limit(result: StepResult, limit: int | None) -> StepResult:
    """The result, led by a sentence about the limit where the step seems to have died of it."""
    if limit is None or result.outcome is not Outcome.FAILED or not _TOLD.search(result.error or ""):
        return result
    told = f"The step ran into its memory limit of {limit / _KIB / _KIB:g} MiB\n{result.error}"
    return StepResult(result.outcome, error=told, exit_code=result.exit_code)
