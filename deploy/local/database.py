"""A private database server that speaks MongoDB's protocol."""

import os
import sys
from datetime import timedelta
from pathlib import Path

from deploy.local.plan import Plan
from deploy.local.ports import PortBook
from deploy.local.programs import Group, Probe, Program
from deploy.local.refused import StackRefused

MISSING = "secantusd-py is not in this environment: run `make setup`, or set HEADRACE_MONGO_URL to a MongoDB of yours."


def find_secantusd() -> Path | None:
    """The server's program, which stands beside this environment's Python."""
    program = Path(sys.executable).parent / "secantusd-py"
    return program if os.access(program, os.X_OK) else None


def plan_database(plan: Plan, ports: PortBook) -> Program:
    """Make the data folder and say how the server starts.

    Raises:
        StackRefused: the server is not installed.
    Repeats: the data stay.
    """
    server = find_secantusd()
    if server is None:
        raise StackRefused(MISSING)
    folder = plan.home / "mongo"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    port = ports.claim("mongo")
    own = ["--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder), "--sync-on-commit"]
    return Program(
        name="mongo",
        service="database",
        group=Group.SERVERS,
        command=[sys.executable, str(server), *own, "--cache-size", "256M"],
        port=port,
        probe=Probe.MONGO,
        url=f"mongodb://127.0.0.1:{port}/?directConnection=true",
        stop_within=timedelta(seconds=20),
        environment={"HOME": str(folder)},
    )
