"""Whether a process or a given server answers."""

import json
import socket
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from deploy.local.programs import Probe, Program
from deploy.local.refused import StackRefused

ANSWER_WITHIN = 2.0  # seconds; a process that is well answers in milliseconds
GREETING = b"AMQP\x00\x00\x09\x01"
SECURE_PORT, PLAIN_PORT = 5671, 5672


def find_trouble(program: Program) -> str:
    """Why the process isn't well; empty when it is."""
    if program.probe is Probe.HTTP:
        return _ask_http(f"{program.url}/healthz")
    return _ask_amqp("127.0.0.1", program.port) if program.probe is Probe.AMQP else _ask_mongo(program.url)


def require_given(rabbitmq_url: str, mongo_url: str) -> None:
    """Make sure that the servers which the user named answer; an empty URL names none.

    Raises:
        StackRefused: one does not; the sentence names the variable, never the password.
    """
    if rabbitmq_url:
        host, port, is_secure = _address(rabbitmq_url)
        if trouble := _connect(host, port) if is_secure else _ask_amqp(host, port):
            raise StackRefused(f"HEADRACE_RABBITMQ_URL: the broker at {host}:{port} does not answer ({trouble}).")
    if mongo_url and (trouble := _ask_mongo(mongo_url)):
        raise StackRefused(f"HEADRACE_MONGO_URL: the database does not answer ({trouble}).")


def _address(url: str) -> tuple[str, int, bool]:
    try:
        parts = urlsplit(url)
        is_secure = parts.scheme == "amqps"
        if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
            raise StackRefused("HEADRACE_RABBITMQ_URL: this is not an amqp:// or amqps:// address.")
        return parts.hostname, parts.port or (SECURE_PORT if is_secure else PLAIN_PORT), is_secure
    except ValueError as error:
        raise StackRefused("HEADRACE_RABBITMQ_URL: the port is not a number.") from error


def _ask_http(url: str) -> str:
    try:
        with urlopen(url, timeout=ANSWER_WITHIN):  # noqa: S310 - the address of a process that was just started
            return ""
    except HTTPError as error:
        with error:
            return _read_checks(error.read()) or f"answers {error.code}"
    except (URLError, OSError) as error:
        return str(getattr(error, "reason", error))


def _read_checks(body: bytes) -> str:
    try:
        checks = json.loads(body)["checks"]
        return ", ".join(f"{part}: {state}" for part, state in checks.items() if state != "ok")
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _connect(host: str, port: int) -> str:
    try:
        with socket.create_connection((host, port), timeout=ANSWER_WITHIN):
            return ""
    except OSError as error:
        return str(error)


def _ask_amqp(host: str, port: int) -> str:
    """A broker that is up answers the protocol's greeting with a method frame (type 1)."""
    try:
        with socket.create_connection((host, port), timeout=ANSWER_WITHIN) as connection:
            connection.sendall(GREETING)
            return "" if connection.recv(1) == b"\x01" else "it does not speak AMQP 0-9-1"
    except OSError as error:
        return str(error)


def _ask_mongo(url: str) -> str:
    from pymongo import MongoClient  # noqa: PLC0415 - `down` and `status` need not load it
    from pymongo.errors import PyMongoError  # noqa: PLC0415

    milliseconds = int(ANSWER_WITHIN * 1000)
    try:
        with MongoClient[dict[str, object]](
            url, serverSelectionTimeoutMS=milliseconds, connectTimeoutMS=milliseconds, socketTimeoutMS=milliseconds
        ) as client:
            client.admin.command("ping")
    except PyMongoError as error:
        return str(error).partition(",")[0]
    return ""
