"""What the stories' function steps call."""

import os
import sys
import time
from typing import Any

seen: list[str] = []


def add(numbers: list[int], more: int = 0) -> dict[str, Any]:
    """Print and add."""
    sys.stdout.write(f"adding {' '.join(map(str, numbers))}\n")
    return {"sum": sum(numbers) + more}


def count() -> dict[str, int]:
    """How often this process was called."""
    seen.append("call")
    return {"pid": os.getpid(), "calls": len(seen)}


def fail(text: str) -> None:
    """Fail."""
    raise ValueError(text)


def sleep() -> None:
    """Take long."""
    sys.stdout.write("asleep\n")
    time.sleep(600)


def keep(password: str) -> dict[str, str]:
    """Print what must not be seen, and give it back."""
    sys.stdout.write(f"got {password}\n")
    return {"length": str(len(password)), "password": password}
