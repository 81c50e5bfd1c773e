"""The whole stack as real processes, for tests that kill them."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from deploy.local.plan import ROOT, Plan, read_plan
from deploy.local.ports import pick_port
from deploy.local.stack import Stack, read_kept
from deploy.local.supervise import connect
from deploy.local.tell import list_processes

COMMAND_WITHIN = 150.0  # seconds; `up` gives up after 60 s, `down` after 120 s


def run_launcher(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m deploy.local` with these settings and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    return subprocess.run(
        [sys.executable, "-m", "deploy.local", *arguments],
        env=others | dict(environ),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=COMMAND_WITHIN,
        check=False,
    )


class LocalStack:
    """The launcher's stack on free ports in a temporary home, which goes with it.

    `with LocalStack(workspaces={"default": folder}, workers=3) as stack:`, or `async with` from a test's loop.
    """

    def __init__(
        self,
        *,
        workspaces: Mapping[str, Path | Mapping[str, Any]] | None = None,
        libraries: Mapping[str, Path] | None = None,
        apis: int = 1,
        schedulers: int = 1,
        dispatchers: int = 1,
        workers: int = 2,
        rabbitmq_url: str = "",
        mongo_url: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="headrace-test-"))
        self._environ = {
            "HEADRACE_HOME": str(self.home),
            "HEADRACE_API_PORT": str(pick_port()),
            "HEADRACE_APIS": str(apis),
            "HEADRACE_SCHEDULERS": str(schedulers),
            "HEADRACE_DISPATCHERS": str(dispatchers),
            "HEADRACE_WORKERS": str(workers),
            "HEADRACE_RABBITMQ_URL": rabbitmq_url,
            "HEADRACE_MONGO_URL": mongo_url,
        }
        if workspaces is not None:
            self._environ["HEADRACE_CONFIG"] = str(self._write_config(workspaces, libraries or {}))
        self._environ |= environ or {}
        self._environ = {name: value for name, value in self._environ.items() if value}

    def start(self) -> None:
        """Bring it up; returns when every process is well. Repeats: starts what is down."""
        self._launch("up")

    def stop(self) -> None:
        """Stop everything cleanly, remove the home. Repeats: harmless."""
        if self.home.exists():
            self._launch("down")
            shutil.rmtree(self.home, ignore_errors=True)

    @property
    def plan(self) -> Plan:
        """The launcher's view of it."""
        return read_plan(self._environ)

    @property
    def api_urls(self) -> list[str]:
        """Where each api answers, the one that users know first."""
        return [program.url for program in self._stack().programs if program.service == "api"]

    @property
    def rabbitmq_url(self) -> str:
        """Where its broker is."""
        return self._stack().rabbitmq_url

    @property
    def mongo_url(self) -> str:
        """Where its database is."""
        return self._stack().mongo_url

    def processes(self) -> list[dict[str, Any]]:
        """What `make status` prints."""
        return list_processes(self.plan)

    def names(self, service: str) -> list[str]:
        """The service's processes by name; `broker` and `database` are services too."""
        return [one.name for one in self._stack().programs if one.service == service]

    def pids(self, service: str) -> list[int]:
        """The service's living processes."""
        return [one["pid"] for one in self.processes() if one["service"] == service and one["pid"]]

    def pid(self, name: str) -> int:
        """The process's pid; 0 while it is down."""
        return next(int(one["pid"]) for one in self.processes() if one["name"] == name)

    def is_well(self, name: str) -> bool:
        """Whether the process says that it is."""
        return any(one["name"] == name and one["health"] == "ok" for one in self.processes())

    def wait_until_healthy(self, within: timedelta = timedelta(seconds=30)) -> None:
        """Return when every process is well.

        Raises:
            AssertionError: one is not, after `within`.
        """
        deadline = time.monotonic() + within.total_seconds()
        while ill := {one["name"]: one["health"] for one in self.processes() if one["health"] != "ok"}:
            assert time.monotonic() < deadline, f"not well after {within}: {ill}"
            time.sleep(0.1)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send the process a signal and answer the pid it had; the supervisor starts it anew when it ends."""
        pid = self.pid(name)
        assert pid, f"{name} does not run"
        os.kill(pid, number)
        return pid

    def halt(self, name: str) -> None:
        """Stop one process cleanly and leave it down."""
        self._ask("stopProcess", name)

    def resume(self, name: str) -> None:
        """Start what `halt` stopped; it may not be well yet."""
        self._ask("startProcess", name, False)

    def restart(self, name: str) -> None:
        """Stop one process cleanly and start it; it may not be well yet."""
        self.halt(name)
        self.resume(name)

    def log_of(self, name: str) -> str:
        """What the process has said."""
        return (self.plan.logs / f"{name}.log").read_text(errors="replace")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def _stack(self) -> Stack:
        kept = read_kept(self.plan)
        assert kept is not None, "the stack is down"
        return kept

    def _ask(self, method: str, name: str, *arguments: object) -> None:
        key = next(program.key for program in self._stack().programs if program.name == name)
        with connect(self.plan) as supervisor:
            assert supervisor is not None, "the stack's supervisor does not answer"
            getattr(supervisor, method)(key, *arguments)

    def _launch(self, command: str) -> None:
        done = run_launcher(self._environ, command)
        assert done.returncode == 0, f"`{command}` failed: {done.stderr.strip()}"

    def _write_config(self, workspaces: Mapping[str, Path | Mapping[str, Any]], libraries: Mapping[str, Path]) -> Path:
        path = self.home / "headrace.yaml"
        config = {"workspaces": _sources(workspaces)} | ({"libraries": _sources(libraries)} if libraries else {})
        path.write_text(json.dumps(config, indent=1))  # JSON is YAML
        return path


def _sources(named: Mapping[str, Path | Mapping[str, Any]] | Mapping[str, Path]) -> dict[str, Any]:
    """Folders by path, anything else as it is written in the file."""
    return {
        name: {"type": "folder", "path": str(one.resolve())} if isinstance(one, Path) else dict(one)
        for name, one in named.items()
    }
