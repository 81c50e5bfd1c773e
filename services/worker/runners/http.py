"""Runs http actions: one request, its answer is the step's output."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from services.worker.halt import Halt
from services.worker.read_output import LineSink
from services.worker.runners.addresses import AddressBook
from services.worker.runners.runner import CannotRun, StepResult
from services.worker.step_output import OutputRefused, check_output
from shared.engine.states import Outcome
from shared.messages.wire import RunStepMessage
from shared.runtime.version import VERSION

LARGEST_BODY_BYTES = 1024 * 1024
LARGEST_ERROR_BYTES = 4 * 1024
MOST_REDIRECTS = 5
UNTIMED_SECONDS = 300.0  # for a step without a time-out
CONNECT_SECONDS = 10.0


class HttpRunner:
    """Sends what an http action says: `{method, url, headers, body, timeout}`.

    Addresses are looked up, checked and then connected to as they were found, for each redirect anew. A redirect to
    another origin gets neither the headers nor the body that the author wrote.
    """

    def __init__(self, addresses: AddressBook) -> None:
        self._addresses = addresses
        self._certificates = ssl.create_default_context()  # 20 ms, so only once

    async def run(self, step: RunStepMessage, sink: LineSink, halt: Halt) -> StepResult:
        seconds = _seconds_of(step)
        exchange = asyncio.ensure_future(self._exchange(step, sink))
        asked = asyncio.ensure_future(halt.asked())
        try:
            done, _ = await asyncio.wait((exchange, asked), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if exchange in done:
                return exchange.result()
        finally:
            for task in (exchange, asked):
                task.cancel()
            await asyncio.wait((exchange, asked))
        if asked in done:
            return StepResult(Outcome.CANCELLED, error="Step was cancelled")
        return StepResult(Outcome.TIMED_OUT, error=f"Step timed out after {seconds:g}s")

    async def _exchange(self, step: RunStepMessage, sink: LineSink) -> StepResult:
        request = _build_request(step.spec)
        began = time.monotonic()
        limits = httpx.Timeout(None, connect=CONNECT_SECONDS)
        transport = _PinnedTransport(self._addresses, httpx.AsyncHTTPTransport(verify=self._certificates))
        try:
            async with httpx.AsyncClient(transport=transport, timeout=limits, trust_env=False) as client:
                answer = await _follow(client, request)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, CannotRun) as error:
            told = f"{_name(request)} failed: {str(error) or type(error).__name__}"
            await sink.write("stderr", [sink.redactor.redact_text(told.replace("\n", " "))])
            return StepResult(Outcome.FAILED, error=told)
        took = time.monotonic() - began
        line = f"{_name(request)} -> {answer.status} ({len(answer.body)} bytes, {took * 1000:.0f} ms)"
        await sink.write("stdout", [sink.redactor.redact_text(line)])
        return _judge(answer)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back; `is_cut`: the body was longer than is kept."""

    status: int
    headers: httpx.Headers
    body: bytes
    encoding: str
    is_cut: bool


class _PinnedTransport(httpx.AsyncBaseTransport):
    """Connects to the address that was checked, whatever the host's name says a moment later."""

    def __init__(self, addresses: AddressBook, inner: httpx.AsyncBaseTransport) -> None:
        self._addresses = addresses
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        found = await self._addresses.find(host, port)
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=found[0]),
            headers=request.headers,  # with the host's name in `Host`
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await self._inner.handle_async_request(pinned)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _follow(client: httpx.AsyncClient, request: httpx.Request) -> _Answer:
    """Send it, and what redirects ask for.

    Raises:
        httpx.HTTPError, httpx.InvalidURL, CannotRun.
    """
    for _ in range(MOST_REDIRECTS + 1):
        _check_url(request.url)
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            if response.next_request is None:
                return await _read(response)
            request = _redirect(request, response.next_request)
        finally:
            await response.aclose()
    raise CannotRun(f"more than {MOST_REDIRECTS} redirects")


def _redirect(old: httpx.Request, new: httpx.Request) -> httpx.Request:
    if (old.url.scheme, old.url.host, old.url.port) == (new.url.scheme, new.url.host, new.url.port):
        return new
    if new.headers.get("content-length", "0") != "0" or "transfer-encoding" in new.headers:
        raise CannotRun(f"a redirect to another origin, {new.url.host!r}, asks for the body, which is not sent there")
    return httpx.Request(new.method, new.url, headers={"user-agent": f"headrace/{VERSION}"})


async def _read(response: httpx.Response) -> _Answer:
    body = bytearray()
    limit = LARGEST_BODY_BYTES if response.is_success else LARGEST_ERROR_BYTES
    async for piece in response.aiter_bytes(64 * 1024):
        body += piece
        if len(body) > limit:
            break
    kept = bytes(body[:limit])
    return _Answer(response.status_code, response.headers, kept, response.encoding or "utf-8", len(body) > limit)


def _judge(answer: _Answer) -> StepResult:
    text = answer.body.decode(answer.encoding, "replace")
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - what HTTP calls success
        return StepResult(Outcome.FAILED, error=f"HTTP status {answer.status}\n{text}".rstrip())
    if answer.is_cut:
        return StepResult(Outcome.FAILED, error=f"The answer's body has more than {LARGEST_BODY_BYTES} bytes")
    body: Any = text
    if "json" in answer.headers.get("content-type", ""):
        try:
            body = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            body = text
    output = {"status": answer.status, "headers": dict(answer.headers), "body": body}
    try:
        check_output(output)
    except OutputRefused as refusal:
        return StepResult(Outcome.FAILED, error=str(refusal))
    return StepResult(Outcome.COMPLETED, output=output)


def _build_request(spec: Mapping[str, Any]) -> httpx.Request:
    """The request that the action describes.

    Raises:
        CannotRun: it makes no sense.
    """
    headers = {str(name): str(value) for name, value in (spec.get("headers") or {}).items()}
    body = spec.get("body")
    content, kind = (body.encode(), None) if isinstance(body, str) else (orjson.dumps(body), "application/json")
    try:
        request = httpx.Request(
            str(spec.get("method") or "GET").upper(),
            str(spec.get("url") or ""),
            headers={"user-agent": f"headrace/{VERSION}", "accept": "*/*", "accept-encoding": "identity"}
            | ({"content-type": kind} if kind and body is not None else {})
            | {name.lower(): value for name, value in headers.items()},
            content=None if body is None else content,
        )
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise CannotRun(f"The request can't be made: {error}") from error
    _check_url(request.url)
    return request


def _check_url(url: httpx.URL) -> None:
    if url.scheme not in ("http", "https") or not url.host:
        raise CannotRun(f"{str(url.copy_with(query=None, fragment=None))[:200]!r} is no http:// or https:// address")


def _name(request: httpx.Request) -> str:
    """`GET https://host/path`, without what may be secret in the address."""
    url = request.url.copy_with(query=None, fragment=None, username=None, password=None)
    return f"{request.method} {url}"


def _seconds_of(step: RunStepMessage) -> float:
    """The shorter of the action's and the step's time-out."""
    asked = [step.timeout_seconds]
    try:
        asked.append(float(step.spec["timeout"]) if step.spec.get("timeout") else None)
    except (TypeError, ValueError):
        raise CannotRun(f"timeout {step.spec['timeout']!r} is no number of seconds") from None
    return min((seconds for seconds in asked if seconds is not None), default=UNTIMED_SECONDS)
