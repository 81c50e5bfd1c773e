"""What becomes of http actions."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.worker.halt import Halt, HaltReason
from services.worker.redact import Redactor
from services.worker.runners.addresses import AddressBook
from services.worker.runners.http import HttpRunner
from services.worker.runners.runner import CannotRun, StepResult
from shared.engine.states import Outcome
from tests.support.attempts import KeptLines, attempt
from tests.support.eventually import eventually
from tests.support.http_server import Answer, WebServer, open_web_server


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    async with open_web_server() as found:
        yield found


@pytest.fixture
def sink() -> KeptLines:
    return KeptLines()


RUNNER = HttpRunner(AddressBook(["127.0.0.1"]))


async def run(sink: KeptLines, url: str, runner: HttpRunner = RUNNER, **spec: Any) -> StepResult:
    return await runner.run(attempt("http", {"url": url, **spec}), sink, Halt())


async def test_a_json_answer_is_the_output(web: WebServer, sink: KeptLines) -> None:
    web.answers["/one"] = Answer(201, b'{"n": 3}', {"content-type": "application/json; charset=utf-8", "x-a": "b"})
    result = await run(sink, f"{web.url}/one?token=hidden")
    assert (result.outcome, result.error) == (Outcome.COMPLETED, None)
    assert (result.output["status"], result.output["body"], result.output["headers"]["x-a"]) == (201, {"n": 3}, "b")
    assert sink.lines[0][0] == "stdout"
    assert sink.texts[0].startswith(f"GET {web.url}/one -> 201 (8 bytes, ")


async def test_any_other_answer_is_text(web: WebServer, sink: KeptLines) -> None:
    web.answers["/text"] = Answer(200, "grün".encode("latin-1"), {"content-type": "text/plain; charset=latin-1"})
    web.answers["/broken"] = Answer(200, b"{", {"content-type": "application/json"})
    assert (await run(sink, f"{web.url}/text")).output["body"] == "grün"
    assert (await run(sink, f"{web.url}/broken")).output["body"] == "{"


async def test_method_headers_and_body_are_sent(web: WebServer, sink: KeptLines) -> None:
    web.answers["/"] = Answer(204)
    await run(sink, web.url, method="post", headers={"X-Key": "k"}, body={"a": [1, "ü"]})
    await run(sink, web.url, method="PUT", body="plain")
    await run(sink, web.url, method="PUT", body={"a": 1}, headers={"Content-Type": "application/vnd.x+json"})
    first, second, third = web.asked
    assert (first.method, json.loads(first.body), first.headers["x-key"]) == ("POST", {"a": [1, "ü"]}, "k")
    assert (first.headers["content-type"], first.headers["host"]) == ("application/json", f"127.0.0.1:{web.port}")
    assert (second.method, second.body, "content-type" in second.headers) == ("PUT", b"plain", False)
    assert third.headers["content-type"] == "application/vnd.x+json"


async def test_a_status_that_is_no_success_fails_with_the_first_four_kib(web: WebServer, sink: KeptLines) -> None:
    web.answers["/"] = Answer(503, b"x" * 10_000)
    result = await run(sink, web.url)
    assert (result.outcome, result.error) == (Outcome.FAILED, "HTTP status 503\n" + "x" * 4096)


async def test_a_large_body_fails(web: WebServer, sink: KeptLines) -> None:
    web.answers["/"] = Answer(200, b"x" * (1024 * 1024 + 1))
    assert (await run(sink, web.url)).error == "The answer's body has more than 1048576 bytes"
    web.answers["/"] = Answer(200, b"x" * 1024 * 1024)
    assert "at most 1048576 are kept" in str((await run(sink, web.url)).error)


async def test_a_private_address_is_refused_before_anything_is_sent(web: WebServer, sink: KeptLines) -> None:
    result = await run(sink, f"{web.url}/path", HttpRunner(AddressBook()))
    assert result.outcome is Outcome.FAILED
    assert "has the address 127.0.0.1, which steps may not reach" in str(result.error)
    assert web.asked == []


async def test_redirects_are_followed_and_each_is_checked(web: WebServer, sink: KeptLines) -> None:
    web.answers["/"] = Answer(302, headers={"location": "/next"})
    web.answers["/next"] = Answer(200, b"there")
    assert (await run(sink, web.url, headers={"x-key": "k"})).output["body"] == "there"
    assert web.asked[1].headers["x-key"] == "k"
    web.answers["/"] = Answer(302, headers={"location": "http://169.254.169.254/latest/meta-data"})
    assert "169.254.169.254, which steps may not reach" in str((await run(sink, web.url)).error)
    web.answers["/"] = Answer(302, headers={"location": "file:///etc/passwd"})
    assert (await run(sink, web.url)).outcome is Outcome.FAILED
    web.answers["/"] = Answer(302, headers={"location": "/"})
    assert str((await run(sink, web.url)).error).endswith("more than 5 redirects")


async def test_another_origin_gets_neither_the_headers_nor_the_body(web: WebServer, sink: KeptLines) -> None:
    async with open_web_server() as other:
        other.answers["/"] = Answer(200, b"other")
        web.answers["/"] = Answer(303, headers={"location": other.url})
        result = await run(sink, web.url, method="POST", headers={"x-key": "secret"}, body="text")
        assert (result.output["body"], other.asked[0].method) == ("other", "GET")
        assert "x-key" not in other.asked[0].headers
        web.answers["/"] = Answer(307, headers={"location": other.url})
        result = await run(sink, web.url, method="POST", body="text")
        assert "asks for the body, which is not sent there" in str(result.error)
        assert len(other.asked) == 1


async def test_a_server_that_does_not_answer_is_given_up_at_the_steps_time(web: WebServer, sink: KeptLines) -> None:
    web.answers["/"] = Answer(is_silent=True)
    step = attempt("http", {"url": web.url}, timeout_seconds=0.2)
    result = await RUNNER.run(step, sink, Halt())
    assert (result.outcome, result.error) == (Outcome.TIMED_OUT, "Step timed out after 0.2s")
    assert (await run(sink, web.url, timeout="0.1")).outcome is Outcome.TIMED_OUT


async def test_a_cancelled_request_ends_at_once(web: WebServer, sink: KeptLines) -> None:
    web.answers["/"] = Answer(is_silent=True)
    halt = Halt()
    running = asyncio.ensure_future(RUNNER.run(attempt("http", {"url": web.url}), sink, halt))
    await eventually(lambda: len(web.asked) == 1)
    halt.ask(HaltReason.CANCELLED)
    assert (await running).outcome is Outcome.CANCELLED


async def test_a_refused_connection_is_told(sink: KeptLines) -> None:
    result = await run(sink, "http://127.0.0.1:1/")
    assert result.outcome is Outcome.FAILED
    assert result.error == "GET http://127.0.0.1:1/ failed: All connection attempts failed"
    assert sink.lines == [("stderr", result.error)]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"url": "ftp://host/"}, "is no http:// or https:// address"),
        ({"url": ""}, "is no http:// or https:// address"),
        ({"url": "http://"}, "is no http:// or https:// address"),
        ({"url": "http://h:x/"}, "The request can't be made"),
        ({"url": "http://h/", "timeout": "soon"}, "timeout 'soon' is no number of seconds"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(spec: dict[str, Any], told: str, sink: KeptLines) -> None:
    with pytest.raises(CannotRun, match=told):
        await RUNNER.run(attempt("http", spec), sink, Halt())


async def test_headers_that_would_smuggle_a_request_are_refused(web: WebServer, sink: KeptLines) -> None:
    result = await run(sink, web.url, headers={"x-key": "a\r\nx-other: b"})
    assert result.outcome is Outcome.FAILED
    assert web.asked == []


async def test_the_line_in_the_log_shows_no_secret(web: WebServer) -> None:
    sink = KeptLines(Redactor(["hunter22"]))
    web.answers["/hunter22"] = Answer()
    await run(sink, f"{web.url}/hunter22")
    assert "/*** -> 200" in sink.texts[0]
