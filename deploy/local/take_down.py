"""`down`: stop everything cleanly, leave the data."""

import shutil
import time
from datetime import timedelta

import psutil

from deploy.local import leftovers
from deploy.local.plan import Plan
from deploy.local.refused import StackRefused
from deploy.local.supervise import connect

STOPPED_WITHIN = timedelta(seconds=120)  # services 45 s, servers 30 s, and a slow machine
ASK_EVERY = timedelta(milliseconds=50)


def take_down(plan: Plan) -> bool:
    """Stop the stack of this home; answers whether anything ran.

    Services are asked first and finish what they have in hand, then the database and the broker.

    Raises:
        StackRefused: supervisord still lives after 120 s.
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
    deadline = time.monotonic() + STOPPED_WITHIN.total_seconds()
    while leftovers.is_alive(pid):
        if time.monotonic() > deadline:
            raise StackRefused(f"supervisord (process {pid}) still runs after {STOPPED_WITHIN.seconds} s.")
        time.sleep(ASK_EVERY.total_seconds())
    return True
