"""Processes of this home that nobody supervises any more, because their supervisor was killed."""

from collections.abc import Sequence
from datetime import timedelta

import psutil

from deploy.local.plan import COUNTS, Plan

OURS = ("secantusd-py", "beam.smp", *(f"services.{service}.main" for service in COUNTS))
CLEAN_STOP = timedelta(seconds=10)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be buried does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def read_supervisor_pid(plan: Plan) -> int:
    """The pid of this home's living supervisord; 0 when the pid file is missing, stale or names another program."""
    try:
        pid = int((plan.runtime / "supervisord.pid").read_text())
        command = psutil.Process(pid).cmdline()
    except (OSError, ValueError, psutil.Error):
        return 0
    return pid if str(plan.runtime / "supervisor.conf") in command and is_alive(pid) else 0


def find_leftovers(plan: Plan) -> list[psutil.Process]:
    """The stack's own programs (never epmd, never a user's step) that this home's supervisor had started."""
    address = f"unix://{plan.socket}"
    found = []
    for process in psutil.process_iter():
        try:
            is_ours = any(name in " ".join(process.cmdline()[:5]) for name in OURS)
            if is_ours and process.environ().get("SUPERVISOR_SERVER_URL") == address:
                found.append(process)
        except psutil.Error:
            continue
    return found


def end(processes: Sequence[psutil.Process], within: timedelta = CLEAN_STOP) -> None:
    """Ask each to stop, then make those stop that have not. Repeats: harmless."""
    for process in processes:
        _signal(process, is_kill=False)
    _, alive = psutil.wait_procs(processes, timeout=within.total_seconds())
    for process in alive:
        _signal(process, is_kill=True)
    psutil.wait_procs(alive, timeout=within.total_seconds())


def _signal(process: psutil.Process, *, is_kill: bool) -> None:
    try:
        process.kill() if is_kill else process.terminate()
    except psutil.NoSuchProcess:
        return
