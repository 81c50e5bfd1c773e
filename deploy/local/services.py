"""The project's own processes: api, scheduler, dispatcher, worker."""

import sys
from dataclasses import replace
from datetime import timedelta

from deploy.local.plan import Plan
from deploy.local.ports import PortBook
from deploy.local.programs import Group, Probe, Program

GOODBYE = timedelta(seconds=15)  # for the last reports, after the steps have had their time to end


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
    is_api, is_worker = service == "api", service == "worker"
    environment = {"HEADRACE_API_PORT" if is_api else f"HEADRACE_{service.upper()}_PROBE_PORT": str(port)}
    if is_worker:
        environment |= {"HEADRACE_WORKER_NAME": name, "HEADRACE_WORKER_CACHE_DIR": str(plan.home / "cache" / name)}
    if service == "scheduler":
        environment["HEADRACE_SCHEDULER_DATA_DIR"] = str(plan.home / "scheduler")
    return Program(
        name=name,
        service=service,
        group=Group.SERVICES,
        port=port,
        probe=Probe.HTTP,
        url=replace(plan, api_port=port).api_url if is_api else f"http://127.0.0.1:{port}",
        command=[sys.executable, "-m", f"services.{service}.main"],
        stop_within=GOODBYE + (plan.drain if is_worker else GOODBYE),
        environment=environment,
    )
