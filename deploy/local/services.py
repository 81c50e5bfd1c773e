"""The project's own processes: api, scheduler, dispatcher, worker."""

import sys
from dataclasses import replace
from datetime import timedelta

from deploy.local.plan import Plan
from deploy.local.ports import PortBook
from deploy.local.programs import Group, Probe, Program

STOP_WITHIN = timedelta(seconds=45)  # a worker lets its steps end for 30 s, then says goodbye


def plan_services(plan: Plan, ports: PortBook) -> list[Program]:
    """One program for each process that was asked for; the first api listens on the port that users know."""
    programs: list[Program] = []
    for service, count in plan.counts.items():
        for index in range(count):
            name = service if count == 1 else f"{service}-{index + 1}"
            is_front = service == "api" and index == 0
            port = plan.api_port if is_front else ports.claim(name)
            programs.append(_program(plan, service, name, port))
    return programs


def _program(plan: Plan, service: str, name: str, port: int) -> Program:
    is_api = service == "api"
    return Program(
        name=name,
        service=service,
        group=Group.SERVICES,
        command=[sys.executable, "-m", f"services.{service}.main"],
        port=port,
        probe=Probe.HTTP,
        url=replace(plan, api_port=port).api_url if is_api else f"http://127.0.0.1:{port}",
        stop_within=STOP_WITHIN,
        environment={"HEADRACE_API_PORT" if is_api else f"HEADRACE_{service.upper()}_PROBE_PORT": str(port)},
    )
