"""What a container is made of: the step's wishes within the worker's limits."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.worker.runners.command_line import find_script, read_interpreter
from services.worker.runners.environment import build_environment
from services.worker.runners.languages import find_language
from services.worker.runners.runner import CannotRun
from shared.definition.quantities import parse_cpu, parse_memory
from shared.messages.wire import RunStepMessage

WORKSPACE = Path("/workspace")
INPUT_FILE = Path("/headrace/input.json")
OUTPUT_FILE = Path("/headrace/output")
LABEL_SYSTEM, LABEL_WORKER = "headrace.system", "headrace.worker"
WRITABLE = frozenset({"ARTIFACTS_DIR", "STATE_OUT_DIR", "GLOBAL_STATE_OUT_DIR"})
_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._/:@-]{0,254}", re.ASCII)
_MEBIBYTE = 1024 * 1024
_NANO = 1_000_000_000  # the engine counts billionths of a processor


@dataclass(frozen=True, slots=True)
class Limits:
    """What a container gets at most, and what it is when its step says nothing. `user`: "" is the image's own."""

    memory_mb: int = 1024
    cpus: float = 1.0
    pids: int = 256
    network: str = "bridge"
    user: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class Marks:
    """Whose containers they are."""

    system: str
    worker_id: str


def read_image(spec: Mapping[str, Any], limits: Limits) -> str:
    """The image, with its tag.

    Raises:
        CannotRun: there is none, or it is no name of one.
    """
    image = str(spec.get("image") or limits.image).strip()
    if not image:
        raise CannotRun("No `image` is given, and this worker has no HEADRACE_WORKER_RUNNER_IMAGE")
    if not _IMAGE.fullmatch(image):
        raise CannotRun(f"{image!r} is no name of an image")
    has_tag = "@" in image or ":" in image.rpartition("/")[2]
    return image if has_tag else f"{image}:latest"


def build_config(
    step: RunStepMessage, folder: Path, image: str, limits: Limits, marks: Marks, folders: Mapping[str, Path]
) -> dict[str, Any]:
    """The engine's `ContainerCreate` body for a step whose files are in `folder`.

    `folders` is `{variable that names it: folder}`; the container has each under its own name at the root.

    Raises:
        CannotRun: the step asks for what can't be given.
    """
    environment = build_environment(step, input_file=INPUT_FILE, output_file=OUTPUT_FILE, own={})
    environment |= {variable: f"/{found.name}" for variable, found in folders.items()}
    config: dict[str, Any] = {
        "Image": image,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": {
            LABEL_SYSTEM: marks.system,
            LABEL_WORKER: marks.worker_id,
            "headrace.job": step.job_id,
            "headrace.step": step.step,
            "headrace.attempt": str(step.attempt),
        },
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": False,
        "HostConfig": _host_config(step.spec, folder, limits, folders),
        **_what_runs(step, folder / "workspace"),
    }
    if limits.user:
        config["User"] = limits.user
    if workdir := str(step.spec.get("workdir") or ("" if step.action_type == "docker" else WORKSPACE)):
        config["WorkingDir"] = workdir
    return config


def _host_config(spec: Mapping[str, Any], folder: Path, limits: Limits, folders: Mapping[str, Path]) -> dict[str, Any]:
    wishes = spec.get("resources") or {}
    memory = _memory(wishes.get("memory") or spec.get("memory"), limits)
    return {
        "Mounts": [
            _mount(folder / "workspace", WORKSPACE, is_read_only=True),
            _mount(folder / "input.json", INPUT_FILE, is_read_only=True),
            _mount(folder / "output", OUTPUT_FILE, is_read_only=False),
            *(
                _mount(found, Path("/", found.name), is_read_only=variable not in WRITABLE)
                for variable, found in folders.items()
            ),
        ],
        "Init": True,  # so that SIGTERM reaches a shell, and orphans are reaped
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "Privileged": False,
        "NetworkMode": limits.network,
        "IpcMode": "private",
        "Memory": memory,
        "MemorySwap": memory,  # memory and swap together: no swap
        "NanoCpus": round(_cpus(wishes.get("cpu"), limits) * _NANO),
        "PidsLimit": limits.pids,
        "LogConfig": {"Type": "none", "Config": {}},  # the worker reads it; nobody else keeps it
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
    }


def _mount(source: Path, target: Path, *, is_read_only: bool) -> dict[str, Any]:
    return {"Type": "bind", "Source": str(source.resolve()), "Target": str(target), "ReadOnly": is_read_only}


def _memory(asked: Any, limits: Limits) -> int:
    most = limits.memory_mb * _MEBIBYTE
    if asked is None:
        return most
    try:
        found = parse_memory(asked)
    except ValueError as error:
        raise CannotRun(str(error)) from None
    if found > most:
        setting = "HEADRACE_WORKER_RUNNER_MEMORY_MB"
        raise CannotRun(f"The step asks for {asked} of memory; a container gets at most {most} bytes here ({setting})")
    return found


def _cpus(asked: Any, limits: Limits) -> float:
    if asked is None:
        return limits.cpus
    try:
        found = parse_cpu(asked)
    except ValueError as error:
        raise CannotRun(str(error)) from None
    if found > limits.cpus:
        setting = "HEADRACE_WORKER_RUNNER_CPUS"
        raise CannotRun(f"The step asks for {asked} processors; a container gets at most {limits.cpus:g} ({setting})")
    return found


def _what_runs(step: RunStepMessage, workspace: Path) -> dict[str, Any]:
    """The entry point and its arguments; nothing where the image's own are to be taken."""
    spec = step.spec
    if step.action_type != "docker":
        return {"Entrypoint": _script_command(spec, workspace), "Cmd": []}
    found: dict[str, Any] = {}
    if spec.get("entrypoint"):
        found["Entrypoint"] = [str(word) for word in spec["entrypoint"]]
    if spec.get("cmd"):
        shell = ["/bin/sh", "-c"]
        return (
            found | {"Cmd": [*shell, str(spec["cmd"])]} if found else {"Entrypoint": shell, "Cmd": [str(spec["cmd"])]}
        )
    if spec.get("command"):
        found["Cmd"] = [str(word) for word in spec["command"]]
    return found


def _script_command(spec: Mapping[str, Any], workspace: Path) -> list[str]:
    """What runs the script in the container, where nobody has looked yet which programs there are."""
    if spec.get("dependencies"):
        raise CannotRun("`dependencies` are not installed in containers; choose an image that has them")
    name = str(spec.get("language") or "shell")
    language = find_language(name)
    script = WORKSPACE / find_script(spec, workspace, language).resolve().relative_to(workspace.resolve())
    arguments = [str(script), *(str(argument) for argument in spec.get("args") or ())]
    if asked := read_interpreter(spec):
        return [asked, *arguments]
    choice = "\n".join(
        f'if command -v {shlex.quote(program[0])} >/dev/null 2>&1; then exec {shlex.join(program)} "$@"; fi'
        for program in language.programs
    )
    names = " or ".join(dict.fromkeys(program[0] for program in language.programs))
    told = shlex.quote(f"language {name!r} needs {names}, which the image does not have")
    return ["/bin/sh", "-c", f"{choice}\necho {told} >&2\nexit 127", "sh", *arguments]
