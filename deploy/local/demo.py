"""`demo`: the example pipeline on a stack of its own, or on the one that is up."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

from deploy.local import lock
from deploy.local.bring_up import bring_up
from deploy.local.plan import ROOT, Plan
from deploy.local.ports import is_free, pick_port
from deploy.local.refused import StackRefused
from deploy.local.stack import read_kept
from deploy.local.supervise import connect
from deploy.local.take_down import take_down


def run_demo(plan: Plan, environ: Mapping[str, str]) -> int:
    """Run the demo and answer its exit code.

    Its own stack lives in `demo/` of the home, on another port when the usual one is taken, and goes when the demo was
    well; after a failure its data and logs stay.

    Raises:
        StackRefused: the stack can't be brought up.
    """
    with connect(plan) as running:
        kept = read_kept(plan)
        if running is not None and kept is not None:
            print(f"Using the stack that is up: {kept.api_url}")
            return _run(kept.api_url, environ)
    own = replace(plan, home=plan.home / "demo", api_port=_choose_port(plan, environ))
    with lock.hold(own.home):
        try:
            print("Starting the stack ...", flush=True)
            code = _run(bring_up(own, environ).api_url, environ)
        finally:
            print("Stopping the stack ...", flush=True)
            take_down(own)
    if code == 0:
        shutil.rmtree(own.home, ignore_errors=True)
    else:
        print(f"The demo's logs are in {own.logs}.")
    return code


def _choose_port(plan: Plan, environ: Mapping[str, str]) -> int:
    if is_free(plan.api_port, plan.api_host):
        return plan.api_port
    if environ.get("HEADRACE_API_PORT"):
        raise StackRefused(f"port {plan.api_port} is taken; set HEADRACE_API_PORT to another, or unset it.")
    return pick_port()


def _run(url: str, environ: Mapping[str, str]) -> int:
    told = {name: value for name, value in environ.items() if not name.startswith("HEADRACE_")}
    command = [sys.executable, "-m", "services.cli.main", "demo", "--url", url]
    try:
        code = subprocess.run(command, env=told, cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 130
    return code if code >= 0 else 128 - code
