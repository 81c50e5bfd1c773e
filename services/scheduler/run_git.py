"""Runs git with a deadline, no prompts, and no settings but ours."""

import asyncio
import base64
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import unquote, urlsplit, urlunsplit

from shared.errors import Unavailable

_PASSED_ON = (
    *("PATH", "HOME", "USER", "TMPDIR", "SSH_AUTH_SOCK"),
    *("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "GIT_SSL_CAINFO", "SSL_CERT_FILE"),
)
_FIXED = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ALLOW_PROTOCOL": "https:ssh:file",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=10",
}
_SETTINGS = {
    "protocol.version": "2",
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "maintenance.auto": "false",
    "fetch.recurseSubmodules": "false",
    "transfer.fsckObjects": "true",
    "http.lowSpeedLimit": "1000",  # bytes per second, for
    "http.lowSpeedTime": "20",  # seconds
}
_LONGEST_TOLD = 300


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository's address without its password, and git's settings that hold it: no process list shows it."""

    url: str
    settings: Mapping[str, str]


def read_remote(url: str) -> Remote:
    """Take name and password out of an https address."""
    if not url.startswith("https://"):
        return Remote(url, {})
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    if not user:
        return Remote(bare, {})
    token = base64.b64encode(unquote(user).encode()).decode()
    held = {f"http.https://{host}/.extraHeader": f"Authorization: Basic {token}", "http.followRedirects": "false"}
    return Remote(bare, held)


async def run_git(
    arguments: Sequence[str],
    *,
    within: timedelta,
    settings: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> bytes:
    """What git prints.

    Raises:
        Unavailable: git is missing, failed (its last line is told) or was still at it after `within`.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            env=_environ(settings or {}),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable(f"git can't be run on the scheduler's machine: {error.strerror}; is it installed?") from error
    try:
        async with asyncio.timeout(within.total_seconds()):
            output, told = await process.communicate(stdin)
    except TimeoutError as error:
        raise Unavailable(f"git did not answer within {within.total_seconds():g}s") from error
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0:
        raise Unavailable(f"git failed: {_last_line(told)}")
    return output


def _environ(settings: Mapping[str, str]) -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    listed = {"GIT_CONFIG_COUNT": str(len(_SETTINGS) + len(settings))}
    for number, (key, value) in enumerate((_SETTINGS | dict(settings)).items()):
        listed |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return passed | _FIXED | listed


def _last_line(told: bytes) -> str:
    """The line that says why: git's `fatal:` or `error:`, else its last."""
    lines = [line.strip() for line in told.decode(errors="replace").splitlines() if line.strip()]
    reasons = [line for line in lines if line.startswith(("fatal:", "error:"))]
    found = (reasons or lines or ["it did not say why"])[0]
    return found.removeprefix("fatal:").removeprefix("error:").strip()[:_LONGEST_TOLD]
