"""Keeps what the worker knows from the steps that it runs."""

import ctypes
import os

from shared.errors import Broken

PR_SET_DUMPABLE = 4  # linux/prctl.h


def hide_environment() -> None:
    """Deny other processes of the same user a look at this one's environment and memory. Repeats: harmless.

    Steps run as the worker's user, and `/proc/<worker>/environ` holds the broker's password. Root sees it still: run
    workers as a user of their own. Programs that are started are not affected. Source: prctl(2), proc(5).

    Raises:
        Broken: the system refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise Broken(f"prctl(PR_SET_DUMPABLE): {os.strerror(ctypes.get_errno())}")
