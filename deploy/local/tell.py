"""`status` and `logs`: what runs, and what it says."""

import os
import shutil
from collections.abc import Sequence

from deploy.local.health import find_trouble
from deploy.local.plan import Plan
from deploy.local.refused import StackRefused
from deploy.local.stack import read_kept
from deploy.local.supervise import connect

LINES = "40"  # of each log, before what comes next


def list_processes(plan: Plan) -> list[dict[str, object]]:
    """Each process of the stack: name, service, pid (0: none), state, health, port, url; empty when it is down.

    `state` is the supervisor's (`starting` for 5 s, then `running`; `backoff`, `stopped`, `fatal`), `health` is the
    process's own answer, "ok" or what is wrong.
    """
    kept = read_kept(plan)
    with connect(plan) as running:
        if running is None or kept is None:
            return []
        states = {one["name"]: one for one in running.getAllProcessInfo()}
    return [
        {
            "name": program.name,
            "service": program.service,
            "pid": states.get(program.name, {}).get("pid", 0),
            "state": str(states.get(program.name, {}).get("statename", "unknown")).lower(),
            "health": find_trouble(program) or "ok",
            "port": program.port,
            "url": program.url,
        }
        for program in kept.programs
    ]


def follow_logs(plan: Plan, names: Sequence[str], *, is_following: bool) -> None:
    """Become `tail` on the logs of the named processes, or of all.

    Raises:
        StackRefused: there is no such log, or no `tail`.
    """
    paths = [plan.logs / f"{name}.log" for name in names] or sorted(plan.logs.glob("*.log"))
    missing = [path.stem for path in paths if not path.is_file()]
    if missing or not paths:
        raise StackRefused(f"no log of {', '.join(missing) or 'anything'} in {plan.logs}.")
    tail = shutil.which("tail")
    if tail is None:
        raise StackRefused(f"there is no `tail` on this machine; the logs are in {plan.logs}.")
    follow = ["-F"] if is_following else []
    os.execv(tail, [tail, "-n", LINES, *follow, *map(str, paths)])  # noqa: S606 - no shell is wanted
