"""The supervisor: its configuration, its start, and questions to it."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from xmlrpc.client import Error, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from deploy.local.plan import ROOT, Plan
from deploy.local.programs import Group, Program
from deploy.local.refused import StackRefused

SETTLED_SECONDS = 5  # a process that ends sooner did not start: its next start waits, one second longer each time
PRIORITIES = {Group.SERVERS: 10, Group.SERVICES: 50}  # the highest stops first


def write_configuration(plan: Plan, programs: Sequence[Program]) -> None:
    """Write `supervisor.conf` and make the socket's folder, which only this user may enter."""
    plan.socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = plan.socket.parent.stat()
    if owner.st_uid != os.getuid() or owner.st_mode & 0o077:
        raise StackRefused(f"{plan.socket.parent} is not a private folder of this user; remove it.")
    groups = {group: [program for program in programs if program.group is group] for group in Group}
    sections = [_head(plan), *(_group(group, members) for group, members in groups.items() if members)]
    sections += [_program(plan, program) for program in programs]
    path = plan.runtime / "supervisor.conf"
    path.touch(mode=0o600)
    path.write_text("\n".join(sections))


def start_supervisor(plan: Plan, environ: Mapping[str, str]) -> None:
    """Start supervisord in the background; its children inherit `environ`.

    Raises:
        StackRefused: it ended at once.
    """
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(plan.runtime / "supervisor.conf")]
    done = subprocess.run(
        command, env=dict(environ), cwd=ROOT, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["no word"]
        raise StackRefused(f"supervisord did not start: {last[0]}")


@contextmanager
def connect(plan: Plan) -> Iterator[Any | None]:
    """Supervisor's own functions, or None when none answers for this home."""
    transport = SupervisorTransport(serverurl=f"unix://{plan.socket}")
    proxy = ServerProxy("http://127.0.0.1", transport=transport)
    try:
        proxy.supervisor.getState()
    except (OSError, Error):
        yield None
    else:
        yield proxy.supervisor
    finally:
        transport.close()


def _head(plan: Plan) -> str:
    lines: dict[str, dict[str, object]] = {
        "unix_http_server": {"file": plan.socket, "chmod": "0600"},
        "supervisord": {
            "logfile": plan.logs / "supervisord.log",
            "logfile_maxbytes": "5MB",
            "logfile_backups": 1,
            "pidfile": plan.runtime / "supervisord.pid",
            "childlogdir": plan.logs,
            "strip_ansi": "true",
            **({"user": "root"} if os.getuid() == 0 else {}),
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
    }
    return "\n".join(_section(name, values) for name, values in lines.items())


def _group(group: Group, members: Sequence[Program]) -> str:
    names = ",".join(program.name for program in members)
    return _section(f"group:{group}", {"programs": names, "priority": PRIORITIES[group]})


def _program(plan: Plan, program: Program) -> str:
    environment = ",".join(f'{name}="{_plain(value)}"' for name, value in program.environment.items())
    values: dict[str, object] = {
        "command": shlex.join(program.command).replace("%", "%%"),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": SETTLED_SECONDS,
        "startretries": 60,
        "stopwaitsecs": int(program.stop_within.total_seconds()),
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": plan.logs / f"{program.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 2,
        "environment": environment,
    }
    return _section(f"program:{program.name}", values)


def _section(name: str, values: Mapping[str, object]) -> str:
    # the command and the environment were escaped where they were made
    told = {key: value if key in ("command", "environment") else _plain(str(value)) for key, value in values.items()}
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in told.items()), ""])


def _plain(value: str) -> str:
    return value.replace("%", "%%")
