"""`up`: start what does not run, wait until every process says that it is well."""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from deploy.local import leftovers
from deploy.local.health import find_trouble
from deploy.local.plan import Plan
from deploy.local.programs import Group, Program
from deploy.local.refused import StackRefused
from deploy.local.stack import Stack, build, environment, read_kept, require_possible
from deploy.local.supervise import connect, start_supervisor, write_configuration
from deploy.local.take_down import take_down

WELL_WITHIN = timedelta(seconds=60)  # all of it; 8 s is usual on two cores
ASK_EVERY = timedelta(milliseconds=100)
DEAD = {"BACKOFF", "EXITED", "FATAL"}
LAST_LINES = 8


def bring_up(plan: Plan, environ: Mapping[str, str]) -> Stack:
    """Bring the stack up and give back where it is.

    Raises:
        StackRefused: it can't be; what this call had started is stopped again.
    Repeats: a stack that is up stays as it is; a part of it that is down is started.
    """
    with connect(plan) as running:
        kept = read_kept(plan)
        if running is not None and kept is not None:
            print("Headrace is already up; new settings count after `make down`.")
            _start_all(plan, running, kept.programs)
            return kept
    _clear_away(plan)
    require_possible(plan, environ)
    stack = build(plan)
    try:
        write_configuration(plan, stack.programs)
        start_supervisor(plan, environment(plan, stack, environ))
        with connect(plan) as started:
            _start_all(plan, started, stack.programs)
    except BaseException:
        take_down(plan)
        raise
    return stack


def _clear_away(plan: Plan) -> None:
    """End what a killed supervisor left behind, so that its ports and data are free."""
    if pid := leftovers.read_supervisor_pid(plan):
        raise StackRefused(f"supervisord of this home (process {pid}) does not answer; `make down` ends it.")
    if lost := leftovers.find_leftovers(plan):
        print(f"Ending {len(lost)} processes that a killed supervisor left behind.")
        leftovers.end(lost)


def _start_all(plan: Plan, supervisor: Any, programs: Sequence[Program]) -> None:
    if supervisor is None:
        raise StackRefused(f"supervisord does not answer; see {plan.logs / 'supervisord.log'}.")
    deadline = time.monotonic() + WELL_WITHIN.total_seconds()
    for group in Group:
        members = [program for program in programs if program.group is group]
        if members:
            supervisor.startProcessGroup(group.value, False)
            _wait_until_well(plan, supervisor, members, deadline)


def _wait_until_well(plan: Plan, supervisor: Any, members: Sequence[Program], deadline: float) -> None:
    waiting = list(members)
    while True:
        states = {one["name"]: one["statename"] for one in supervisor.getAllProcessInfo()}
        for program in waiting:
            if states.get(program.name) in DEAD:
                raise StackRefused(_tell_end(plan, program))
        troubles = {program.name: find_trouble(program) for program in waiting}
        waiting = [program for program in waiting if troubles[program.name]]
        if not waiting:
            return
        if time.monotonic() > deadline:
            told = "; ".join(f"{program.name}: {troubles[program.name]}" for program in waiting)
            raise StackRefused(f"not well after {WELL_WITHIN.seconds} s: {told}; the logs are in {plan.logs}.")
        time.sleep(ASK_EVERY.total_seconds())


def _tell_end(plan: Plan, program: Program) -> str:
    path = plan.logs / f"{program.name}.log"
    try:
        lines = path.read_text(errors="replace").splitlines()[-LAST_LINES:]
    except OSError:
        lines = []
    told = "".join(f"\n  {line}" for line in lines if line.strip())
    return f"{program.name} ended at its start; the end of {path}:{told}"
