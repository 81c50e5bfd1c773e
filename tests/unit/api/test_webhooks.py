"""Webhooks: who may call, what a job gets of the call, and one job for each delivery."""

import asyncio
import hmac
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from services.api.app import create_app
from services.api.parts import Parts
from services.api.use_cases.webhook import find_webhook
from shared.engine.job import Job
from shared.errors import NotFound
from tests.support.eventually import eventually
from tests.unit.api.seed import finish_step, seed_workspace

SECRET = "It's a Secret to Everybody"  # noqa: S105 - GitHub's own example
KEY = b"0123456789abcdef0123456789abcdef"
BODY = b'{"id": "evt_1", "event_id": "Ev1", "text": "hello"}'
HOOKS = b"""
tasks:
  greet: {flow: {say: {type: script, script: "true"}}}
  strict: {input: {body: {type: string, required: true}}, flow: {say: {type: script, script: "true"}}}
triggers:
  open: {type: webhook, name: open, task: greet, input: {from: config, body: mine}}
  guarded: {type: webhook, name: guarded, task: greet, secret: hunter2}
  waits: {type: webhook, name: waits, task: greet, mode: sync, timeout_secs: 20}
  short: {type: webhook, name: short, task: greet, mode: sync, timeout_secs: 1}
  off: {type: webhook, name: "off", task: greet, enabled: false}
  strict: {type: webhook, name: strict, task: strict}
  outside: {type: webhook, name: outside, task: greet, signature: {scheme: github, secret: "ref+env://HOME"}}
""" + b"".join(
    f"  {name}: {{type: webhook, name: {name}, task: greet, signature: "
    f'{{scheme: {name}, secret: "ref+env://WEBHOOK_{name.upper().replace("-", "_")}"}}}}\n'.encode()
    for name in ("github", "stripe", "slack", "standard-webhooks")
)


@pytest.fixture
async def hooks(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncClient]:
    """A client of an api that knows these webhooks and the senders' secrets."""
    for name in ("GITHUB", "STRIPE", "SLACK"):
        monkeypatch.setenv(f"WEBHOOK_{name}", SECRET)
    monkeypatch.setenv("WEBHOOK_STANDARD_WEBHOOKS", f"whsec_{b64encode(KEY).decode()}")
    await seed_workspace(parts.storage, "hooks", HOOKS)
    async with AsyncClient(transport=ASGITransport(create_app(parts)), base_url="http://api/hooks") as client:
        yield client


async def job_of(parts: Parts, answer: Response) -> Job:
    """The job that a call made."""
    assert answer.status_code in (200, 202), answer.text
    job_id = answer.json()["job_id"]
    return (await parts.storage.jobs.load([job_id]))[job_id].job


def signed(scheme: str, body: bytes, *, at: float, key: str = SECRET, delivery: str = "d-1") -> dict[str, str]:
    """Headers as the sender makes them."""
    time = str(int(at))

    def digest(signing: bytes, text: bytes) -> bytes:
        return hmac.new(signing, text, sha256).digest()

    own = key.encode()
    headers = {
        "github": {"X-Hub-Signature-256": f"sha256={digest(own, body).hex()}", "X-GitHub-Delivery": delivery},
        "stripe": {
            "Stripe-Signature": f"t={time},v1={'0' * 64},v1={digest(own, f'{time}.'.encode() + body).hex()},v0=x"
        },
        "slack": {
            "X-Slack-Signature": f"v0={digest(own, f'v0:{time}:'.encode() + body).hex()}",
            "X-Slack-Request-Timestamp": time,
        },
        "standard-webhooks": {
            "webhook-id": delivery,
            "webhook-timestamp": time,
            "webhook-signature": "v1,bm8= v1,"
            + b64encode(digest(KEY if key == SECRET else own, f"{delivery}.{time}.".encode() + body)).decode(),
        },
    }
    return headers[scheme] | {"Content-Type": "application/json"}


async def test_a_call_starts_a_job_with_what_was_sent(parts: Parts, hooks: AsyncClient) -> None:
    headers = {"X-Event": "push", "Authorization": "Bearer x", "Cookie": "a=b", "X-Api-Key": "k"}
    answer = await hooks.post("/open?branch=main&secret=s", json={"a": [1]}, headers=headers)
    assert (answer.status_code, set(answer.json())) == (200, {"job_id", "trigger", "task"})
    assert (answer.json()["trigger"], answer.json()["task"]) == ("open", "greet")
    assert answer.headers["Cache-Control"] == "no-store"
    job = await job_of(parts, answer)
    assert (job.source_type, job.source_id, job.warnings) == ("webhook", "hooks/open", ("unknown input 'from'",))
    assert {name: job.input[name] for name in ("body", "method", "query", "from")} == {
        "body": {"a": [1]},
        "method": "POST",
        "query": {"branch": "main"},
        "from": "config",
    }
    assert job.input["headers"]["x-event"] == "push"
    assert not {"authorization", "cookie", "x-api-key"} & set(job.input["headers"])


@pytest.mark.parametrize(
    ("method", "media", "content", "body"),
    [
        ("GET", "", b"", None),
        ("POST", "application/json", b"", None),
        ("POST", "application/json; charset=utf-8", b"[1]", [1]),
        ("POST", "application/json", b"{", "{"),
        ("POST", "text/plain", b"{}", "{}"),
        ("POST", "application/x-www-form-urlencoded", b"a=1", "a=1"),
        ("POST", "application/octet-stream", b"\xff!", "\ufffd!"),
    ],
)
async def test_a_body_is_json_if_it_says_so_and_is_else_text(
    parts: Parts, hooks: AsyncClient, method: str, media: str, content: bytes, body: object
) -> None:
    answer = await hooks.request(method, "/open", content=content, headers={"Content-Type": media})
    job = await job_of(parts, answer)
    assert (job.input["body"], job.input["method"]) == (body, method)


async def test_a_secret_is_asked_for_in_the_header_or_the_query(hooks: AsyncClient) -> None:
    assert (await hooks.post("/guarded", headers={"Authorization": "Bearer hunter2"})).status_code == 200
    assert (await hooks.get("/guarded?secret=hunter2")).status_code == 200
    wrong: list[dict[str, Any]] = [
        {},
        {"params": {"secret": "hunter"}},
        {"params": {"secret": ""}},
        {"headers": {"Authorization": "Bearer hunter22"}},
        {"headers": {"Authorization": "Basic hunter2"}},
    ]
    for rest in wrong:
        refused = await hooks.post("/guarded", **rest)
        assert (refused.status_code, refused.json()["error"]) == (401, "Invalid or missing secret")


@pytest.mark.parametrize("name", ["nobody", "off"])
async def test_what_is_no_webhook_is_not_found(hooks: AsyncClient, name: str) -> None:
    refused = await hooks.post(f"/{name}")
    assert (refused.status_code, refused.json()["error"]) == (404, "Webhook not found")


async def test_a_call_that_does_not_fit_the_task_says_why_and_makes_no_job(parts: Parts, hooks: AsyncClient) -> None:
    refused = await hooks.post("/strict", json={"a": 1}, headers={"Idempotency-Key": "k"})
    assert (refused.status_code, "input.body" in refused.json()["error"]) == (400, True)
    assert await parts.storage.jobs.count_by_status() == {}
    accepted = await hooks.post("/strict", content=b"text", headers={"Idempotency-Key": "k"})
    assert (await job_of(parts, accepted)).input["body"] == "text"


@pytest.mark.parametrize("scheme", ["github", "stripe", "slack", "standard-webhooks"])
async def test_a_signed_delivery_is_taken_once_and_a_forged_one_never(
    parts: Parts, hooks: AsyncClient, scheme: str
) -> None:
    now = parts.clock.now().timestamp()
    good = signed(scheme, BODY, at=now)
    first, again = [await hooks.post(f"/{scheme}", content=BODY, headers=good) for _ in range(2)]
    assert (first.status_code, again.json()) == (200, first.json())
    kept = (await job_of(parts, first)).input["headers"]
    assert not [name for name in kept if "signature" in name]
    forged = [
        (BODY + b" ", good),
        (BODY, {"Content-Type": "application/json"}),
        (BODY, signed(scheme, BODY, at=now, key="another secret")),
        (b"", good),
    ]
    if scheme != "github":
        forged += [(BODY, signed(scheme, BODY, at=now + offset)) for offset in (-330, 330)]
    for body, headers in forged:
        refused = await hooks.post(f"/{scheme}", content=body, headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (401, "Invalid or missing signature")
    assert sum((await parts.storage.jobs.count_by_status()).values()) == 1


def test_githubs_own_example_is_signed_as_github_says() -> None:
    headers = signed("github", b"Hello, World!", at=0)
    assert headers["X-Hub-Signature-256"] == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


async def test_while_a_secret_is_changed_both_hold(hooks: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_GITHUB", f"the next one\n{SECRET}\n")
    for key, expected in (("the next one", 200), (SECRET, 200), ("", 401), ("the one before", 401)):
        answer = await hooks.post("/github", content=BODY, headers=signed("github", BODY, at=0, key=key))
        assert answer.status_code == expected


async def test_variables_without_the_prefix_are_out_of_reach(hooks: AsyncClient) -> None:
    refused = await hooks.post("/outside", content=BODY, headers=signed("github", BODY, at=0))
    assert (refused.status_code, "HOME" in refused.text) == (503, False)


async def test_calls_that_say_the_same_are_two_jobs_unless_they_name_themselves(hooks: AsyncClient) -> None:
    async def call(name: str, **headers: str) -> str:
        return str((await hooks.post(f"/{name}", content="same", headers=headers)).json()["job_id"])

    assert await call("open") != await call("open")
    assert await call("open", **{"X-GitHub-Delivery": "7"}) == await call("open", **{"X-GitHub-Delivery": "7"})
    assert await call("open", **{"Idempotency-Key": "a"}) != await call("open", **{"Idempotency-Key": "b"})
    assert await call("open", **{"webhook-id": "8"}) != await call("strict", **{"webhook-id": "8"})


async def test_a_synchronous_call_is_answered_when_the_job_has_ended(parts: Parts, hooks: AsyncClient) -> None:
    calling = asyncio.create_task(hooks.post("/waits"))
    job_id = await eventually(lambda: next(iter(parts.ends._watched), None))
    await finish_step(parts.orchestrator, job_id, "say", output={"n": 1})
    answer = await calling
    assert (answer.status_code, answer.json()) == (
        200,
        {"job_id": job_id, "trigger": "waits", "task": "greet", "status": "completed", "output": {"say": {"n": 1}}},
    )
    assert parts.ends._watched == {}


async def test_a_synchronous_call_that_waited_long_enough_is_told_that_the_job_runs(hooks: AsyncClient) -> None:
    answer = await hooks.post("/short")
    assert (answer.status_code, answer.json()["status"], "output" in answer.json()) == (202, "running", False)


async def test_a_caller_may_wait_for_longer_than_other_requests_take(parts: Parts, hooks: AsyncClient) -> None:
    hurried = replace(parts, settings=parts.settings.model_copy(update={"api_request_seconds": 0.2}))
    async with AsyncClient(transport=ASGITransport(create_app(hurried)), base_url=hooks.base_url) as client:
        answer = await client.post("/short")
    assert (answer.status_code, answer.json()["status"]) == (202, "running")


async def test_an_end_that_nobody_announced_is_found_all_the_same(parts: Parts, hooks: AsyncClient) -> None:
    parts.ends._check_every = timedelta(milliseconds=50)
    job_id = (await hooks.post("/open")).json()["job_id"]
    waiting = asyncio.create_task(parts.ends.wait(job_id, timedelta(seconds=10)))
    await eventually(lambda: parts.ends._watched)
    stored = (await parts.storage.jobs.load([job_id]))[job_id]
    await finish_step(parts.orchestrator, job_id, "say")
    assert stored.job.status.value == "pending"
    assert (await waiting).status.value == "completed"


async def test_a_webhook_shows_its_own_jobs_and_no_others(parts: Parts, hooks: AsyncClient) -> None:
    job_id = (await hooks.post("/guarded?secret=hunter2")).json()["job_id"]
    shown = await hooks.get(f"/guarded/jobs/{job_id}?secret=hunter2")
    assert (shown.status_code, shown.json()["status"], shown.json()["completed_at"]) == (200, "pending", None)
    assert set(shown.json()) == {"job_id", "trigger", "task", "status", "output", "created_at", "completed_at"}
    assert shown.headers["Cache-Control"] == "no-store"
    assert (await hooks.get(f"/guarded/jobs/{job_id}")).status_code == 401
    assert (await hooks.get(f"/open/jobs/{job_id}")).status_code == 404
    assert (await hooks.get("/open/jobs/not-a-uuid")).status_code == 400
    assert (await hooks.get(f"/github/jobs/{job_id}?secret={SECRET}")).status_code == 401
    late = await hooks.get(f"/guarded/jobs/{job_id}?secret=hunter2&wait=true&timeout=1")
    assert (late.status_code, late.json()["status"]) == (202, "pending")
    await finish_step(parts.orchestrator, job_id, "say")
    over = await hooks.get(f"/guarded/jobs/{job_id}?secret=hunter2&wait=true")
    assert (over.status_code, over.json()["status"]) == (200, "completed")


async def test_of_two_workspaces_with_one_webhook_name_the_first_by_name_answers(
    parts: Parts, hooks: AsyncClient
) -> None:
    await seed_workspace(parts.storage, "another", HOOKS)
    answer = await hooks.post("/open")
    assert (await job_of(parts, answer)).workspace == "another"
    listed = await hooks.get("http://api/api/workspaces")
    told = {row["name"]: [text for text in row["warnings"] if "webhook" in text] for row in listed.json()}
    assert told["another"] == []
    assert "the webhook name 'open' of trigger 'open' belongs to workspace 'another'" in told["hooks"]


async def test_a_paused_webhook_answers_nobody_until_it_is_resumed(parts: Parts, hooks: AsyncClient) -> None:
    triggers = "http://api/api/workspaces/hooks/triggers"
    paused = await hooks.post(f"{triggers}/open/pause")
    assert (paused.status_code, paused.json()["paused"]) == (200, True)
    assert (await hooks.post("/open")).status_code == 404
    with pytest.raises(NotFound):
        await find_webhook(replace(parts), "open")
    assert [one["paused"] for one in (await hooks.get(triggers)).json() if one["name"] == "open"] == [True]
    assert (await hooks.post(f"{triggers}/open/resume")).json()["paused"] is False
    assert (await hooks.post("/open")).status_code == 200
    missing = await hooks.post(f"{triggers}/nothing/pause")
    assert (missing.status_code, missing.json()["error"]) == (404, "Trigger 'nothing' not found in workspace 'hooks'")
    assert json.dumps((await hooks.get(triggers)).json()).find("hunter2") == -1
