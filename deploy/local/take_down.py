"""`down`: stop everything cleanly, leave the data."""

import shutil
import time
from datetime import timedelta

import psutil

from deploy.local import leftovers
from deploy.local.plan import Plan
from deploy.local.programs import Group
from deploy.local.refused import StackRefused
from deploy.local.stack import read_kept
from deploy.local.supervise import connect

SLOW = timedelta(seconds=30)  # what a slow machine may take beyond the processes' own time
ASK_EVERY = timedelta(milliseconds=50)


def take_down(plan: Plan) -> bool:
    """Stop the stack of this home; answers whether anything ran.

    Services are asked first and finish what they have in hand, then the database and the broker.

    Raises:
        StackRefused: supervisord still lives long after every process should have ended.
    Repeats: harmless.
    """
    did_run = _stop_supervisor(plan)
    if lost := leftovers.find_leftovers(plan):
        leftovers.end(lost)
        did_run = True
    shutil.rmtree(plan.runtime, ignore_errors=True)
    if plan.socket.parent != plan.runtime:
        shutil.rmtree(plan.socket.parent, ignore_errors=True)
    return did_run


def _stop_supervisor(plan: Plan) -> bool:
    with connect(plan) as running:
        pid = running.getPID() if running is not None else leftovers.read_supervisor_pid(plan)
        if not pid:
            return False
        if running is not None:
            running.shutdown()
        else:
            psutil.Process(pid).terminate()
    patience = _patience(plan)
    deadline = time.monotonic() + patience.total_seconds()
    while leftovers.is_alive(pid):
        if time.monotonic() > deadline:
            raise StackRefused(f"supervisord (process {pid}) still runs after {patience.total_seconds():g} s.")
        time.sleep(ASK_EVERY.total_seconds())
    return True


def _patience(plan: Plan) -> timedelta:
    """Groups stop one after the other, a group's processes side by side."""
    kept = read_kept(plan)
    programs = kept.programs if kept is not None else []
    longest = [max((one.stop_within for one in programs if one.group is group), default=SLOW) for group in Group]
    return sum(longest, SLOW)
