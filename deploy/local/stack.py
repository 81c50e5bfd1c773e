"""Building the stack's programs from the plan, with everything that can be refused beforehand."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.broker import plan_broker
from deploy.local.database import plan_database
from deploy.local.health import require_given
from deploy.local.plan import Plan, refuse_unknown
from deploy.local.ports import PortBook, is_free, tell_holder
from deploy.local.programs import Program
from deploy.local.refused import StackRefused
from deploy.local.services import plan_services

LEAST_FREE_BYTES = 200 * 1024 * 1024  # the broker stops taking messages at 50 MB, the database stops for good at 0


@dataclass(frozen=True)
class Stack:
    """What will run, and where its servers are."""

    programs: list[Program]
    api_url: str
    rabbitmq_url: str
    mongo_url: str


def require_possible(plan: Plan, environ: Mapping[str, str]) -> None:
    """Refuse what can't work before anything is started.

    Raises:
        StackRefused: a setting, a missing file, a full disk, a taken port, or a given server that does not answer.
    """
    if any(plan.counts.values()):
        refuse_unknown(environ)
        if not plan.config.is_file():
            raise StackRefused(f"HEADRACE_CONFIG: there is no file {plan.config}.")
    plan.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(plan.home).free
    if free_bytes < LEAST_FREE_BYTES:
        raise StackRefused(f"the disk of {plan.home} has {free_bytes >> 20} MB left; at least 200 MB must be free.")
    if plan.counts["api"] and not is_free(plan.api_port, plan.api_host):
        holder = tell_holder(plan.api_port)
        raise StackRefused(f"port {plan.api_port} is taken by {holder}; end that, or set HEADRACE_API_PORT.")
    require_given(plan.rabbitmq_url, plan.mongo_url)


def build(plan: Plan) -> Stack:
    """Choose the ports, write the servers' files, keep the addresses in `run/stack.json`.

    Raises:
        StackRefused: a server's program is not installed.
    """
    for folder in (plan.runtime, plan.logs):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ports = PortBook(plan.home / "ports.json")
    ports.reserve(plan.api_port)
    servers = [] if plan.rabbitmq_url else [plan_broker(plan, ports)]
    servers += [] if plan.mongo_url else [plan_database(plan, ports)]
    urls = {server.service: server.url for server in servers}
    stack = Stack(
        programs=servers + plan_services(plan, ports),
        api_url=plan.api_url,
        rabbitmq_url=plan.rabbitmq_url or urls["broker"],
        mongo_url=plan.mongo_url or urls["database"],
    )
    ports.save()
    _keep(plan, stack)
    return stack


def read_kept(plan: Plan) -> Stack | None:
    """The stack that `build` kept; None when it is down."""
    try:
        kept = json.loads((plan.runtime / "stack.json").read_text())
        programs = [Program.from_json(one) for one in kept["programs"]]
        return Stack(programs, kept["api_url"], kept["rabbitmq_url"], kept["mongo_url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def environment(plan: Plan, stack: Stack, environ: Mapping[str, str]) -> dict[str, str]:
    """What every process of the stack inherits."""
    return {name: value for name, value in environ.items() if name != "HEADRACE_API_PORT"} | {
        "HEADRACE_HOME": str(plan.home),
        "HEADRACE_CONFIG": str(plan.config),
        "HEADRACE_API_HOST": plan.api_host,
        "HEADRACE_RABBITMQ_URL": stack.rabbitmq_url,
        "HEADRACE_MONGO_URL": stack.mongo_url,
        "PYTHONUNBUFFERED": "1",
    }


def _keep(plan: Plan, stack: Stack) -> None:
    path = plan.runtime / "stack.json"
    path.touch(mode=0o600)
    addresses = {"api_url": stack.api_url, "rabbitmq_url": stack.rabbitmq_url, "mongo_url": stack.mongo_url}
    path.write_text(json.dumps(addresses | {"programs": [one.to_json() for one in stack.programs]}, indent=1) + "\n")
