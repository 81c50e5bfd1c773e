"""What was asked for: the launcher's settings, read from the environment once."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path

from deploy.local.refused import StackRefused

ROOT = Path(__file__).resolve().parents[2]
COUNTS = {
    "api": ("HEADRACE_APIS", 1),
    "scheduler": ("HEADRACE_SCHEDULERS", 1),
    "dispatcher": ("HEADRACE_DISPATCHERS", 1),
    "worker": ("HEADRACE_WORKERS", 2),
}
"""`{service: (variable, how many when it is not set)}`."""
UNFIT = "\"';#\n"  # supervisor's configuration file can't express them in a path
MOST = 32  # processes of one service on one machine
LONGEST_DRAIN = 86_400  # seconds; as the worker has it
LONGEST_SOCKET = 100  # bytes; the kernel's limit for a unix socket's path is 108 with its end


@dataclass(frozen=True)
class Plan:
    """The stack of one home folder."""

    home: Path
    config: Path
    api_host: str
    api_port: int
    counts: Mapping[str, int]
    rabbitmq_url: str
    mongo_url: str
    drain: timedelta

    @property
    def api_url(self) -> str:
        """Where the first api answers, as this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.api_host, self.api_host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.api_port}"

    @property
    def runtime(self) -> Path:
        """What exists only while the stack is up."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.home / "logs"

    @property
    def digest(self) -> str:
        """Names of this home that are unique on the machine are made with it."""
        return hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]

    @property
    def socket(self) -> Path:
        """Where supervisord answers; in a short folder of its own when the home's path is too long for a socket."""
        path = self.runtime / "supervisor.sock"
        if len(os.fsencode(path)) <= LONGEST_SOCKET:
            return path
        folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        return folder / f"headrace-{os.getuid()}-{self.digest}" / "s"


def read_plan(environ: Mapping[str, str]) -> Plan:
    """Read the launcher's settings.

    Raises:
        StackRefused: a value does not fit.
    """
    home = Path(environ.get("HEADRACE_HOME") or ROOT / ".headrace").expanduser().resolve()
    config = Path(environ.get("HEADRACE_CONFIG") or ROOT / "deploy/local/headrace.yaml").expanduser().resolve()
    if any(sign in str(home) for sign in UNFIT):
        raise StackRefused(f"HEADRACE_HOME: the path {str(home)!r} has a quote, ; or # in it; choose another.")
    return Plan(
        home=home,
        config=config,
        api_host=environ.get("HEADRACE_API_HOST") or "127.0.0.1",
        api_port=_number(environ, "HEADRACE_API_PORT", 8080, 1, 65_535),
        counts={service: _number(environ, name, usual, 0, MOST) for service, (name, usual) in COUNTS.items()},
        rabbitmq_url=environ.get("HEADRACE_RABBITMQ_URL", ""),
        mongo_url=environ.get("HEADRACE_MONGO_URL", ""),
        drain=timedelta(seconds=_seconds(environ, "HEADRACE_WORKER_DRAIN_SECONDS", 30)),
    )


def refuse_unknown(environ: Mapping[str, str]) -> None:
    """Stop before a misspelt variable is silently without effect.

    Raises:
        StackRefused: a `HEADRACE_…` variable that no service and no launcher reads, or a value that a service refuses.
    """
    from shared.runtime.settings import Settings, SettingsRefused  # noqa: PLC0415 - `down` must work without them

    known = {"HEADRACE_HOME"} | {name for name, _ in COUNTS.values()}
    for service in COUNTS:
        module = import_module(f"services.{service}.settings")
        found = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Settings)]
        for kind in (kind for kind in found if kind is not Settings):
            known |= {f"HEADRACE_{name}".upper() for name in kind.model_fields}
            try:
                kind.load(environ)
            except SettingsRefused as error:
                raise StackRefused(f"{error}.") from error
    unknown = sorted(name for name in environ if name.startswith("HEADRACE_") and name not in known)
    if unknown := [name for name in unknown if not name.startswith("HEADRACE_TEST_")]:
        raise StackRefused(f"unknown setting {', '.join(unknown)}.")


def _number(environ: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = environ.get(name) or str(usual)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise StackRefused(f"{name} is {text!r}; it must be a number from {least} to {most}.")
    return int(text)


def _seconds(environ: Mapping[str, str], name: str, usual: float) -> float:
    text = environ.get(name) or str(usual)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= LONGEST_DRAIN:
        raise StackRefused(f"{name} is {text!r}; it must be seconds from 0 to {LONGEST_DRAIN}.")
    return seconds
