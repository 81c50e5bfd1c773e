"""A private RabbitMQ node: own port, data folder, node name, cookie."""

import os
import secrets
from datetime import timedelta
from pathlib import Path

from deploy.local.plan import Plan
from deploy.local.ports import PortBook
from deploy.local.programs import Group, Probe, Program
from deploy.local.refused import StackRefused

PLACES = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",  # Debian, Ubuntu, Fedora: without the wrapper that changes the user
    "/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server",
    "/usr/local/opt/rabbitmq/sbin/rabbitmq-server",
)
MISSING = (
    "RabbitMQ is not installed: run `make setup` as root, or `sudo apt-get install rabbitmq-server`, "
    "or set HEADRACE_RABBITMQ_URL to a broker of yours."
)
SCHEDULERS = min(4, os.cpu_count() or 1)  # threads of the Erlang machine: a broker for one machine needs no more


def find_server() -> Path | None:
    """The program that starts a node as any user."""
    return next((Path(place) for place in PLACES if os.access(place, os.X_OK)), None)


def plan_broker(plan: Plan, ports: PortBook) -> Program:
    """Write the node's files and say how it starts.

    Raises:
        StackRefused: RabbitMQ is not installed.
    Repeats: the data and the cookie stay, the configuration is written anew.
    """
    server = find_server()
    if server is None:
        raise StackRefused(MISSING)
    folder = plan.home / "rabbitmq"
    port = ports.claim("rabbitmq")
    _write_files(folder, port)
    return Program(
        name="rabbitmq",
        service="broker",
        group=Group.SERVERS,
        command=[str(server)],
        port=port,
        probe=Probe.AMQP,
        url=f"amqp://guest:guest@127.0.0.1:{port}/",
        stop_within=timedelta(seconds=30),
        environment={
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"headrace-{plan.digest}@localhost",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_DIST_PORT": str(ports.claim("rabbitmq_distribution")),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"+S {SCHEDULERS}:{SCHEDULERS} "
            "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP": str(folder / "erl_crash.dump"),
            "RUNNING_UNDER_SYSTEMD": "true",  # no shell in front of the node: a signal to the pid meets the node
        },
    )


def _write_files(folder: Path, port: int) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    cookie = folder / ".erlang.cookie"
    if not cookie.exists():
        cookie.touch(mode=0o600)
        cookie.write_text(secrets.token_hex(20))
        cookie.chmod(0o400)
    (folder / "enabled_plugins").write_text("[].\n")
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.default = 127.0.0.1:{port}\nlog.console = true\nlog.console.level = info\nlog.file = false\n"
    )
