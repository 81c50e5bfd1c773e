"""Starts a job for a webhook's call, once for each delivery, and answers how it is doing."""

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from uuid_utils import uuid7

from services.api.parts import Parts
from services.api.webhook_request import OWN_INPUT, delivery_id, headers_of, read_body, to_input
from services.api.webhook_signatures import is_signed
from shared.definition.connections import connections_for
from shared.definition.inputs import resolve_input
from shared.definition.models import WebhookTrigger
from shared.definition.sealed import mask
from shared.engine.job import Job
from shared.errors import NotFound
from shared.orchestration.catalog import LoadedRevision
from shared.orchestration.create_job import NewJob
from shared.telemetry.metrics import TRIGGERS_FIRED

log = structlog.get_logger()

SOURCE_TYPE = "webhook"
REFERENCE = "ref+env://"
NO_SECRET = "Invalid or missing secret"  # noqa: S105 - a sentence
NO_SIGNATURE = "Invalid or missing signature"
MOST_ID_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Webhook:
    """A trigger that answers at `/hooks/{name}`."""

    loaded: LoadedRevision
    trigger: str
    definition: WebhookTrigger

    @property
    def key(self) -> str:
        """What jobs name as their source."""
        return f"{self.loaded.workspace}/{self.trigger}"


async def find_webhook(parts: Parts, name: str) -> Webhook:
    """The first enabled trigger of this webhook name, by workspace name.

    Raises:
        NotFound: there is none, or it is paused.
    """
    for record in await parts.storage.workspaces.list_workspaces():
        if record.revision is None:
            continue
        loaded = await parts.catalog.at(record.name, record.revision)
        for trigger, definition in sorted(loaded.definition.triggers.items()):
            if isinstance(definition, WebhookTrigger) and definition.enabled and definition.name == name:
                found = Webhook(loaded, trigger, definition)
                if found.key in await parts.storage.fires.load_paused():
                    break
                return found
        else:
            continue
        break
    raise NotFound("Webhook not found")


async def deliver(parts: Parts, webhook: Webhook, request: Request) -> str:
    """Create the job of a call; answers its id.

    Raises:
        HTTPException: 401, the caller proves nothing; 503, this server does not know the webhook's secret.
        InvalidInput: the call does not fit the task's input, or the task has errors.
    Repeats: a delivery that names itself is one job for 24 h (idempotency table: webhook delivery).
    """
    raw = await request.body()
    definition, headers = webhook.definition, headers_of(request)
    _authorize(parts, definition, request, headers, raw)
    body = read_body(request, raw)
    values = to_input(request, body, definition.input)
    webhook.loaded.flow_of(definition.task)
    declared = webhook.loaded.definition.tasks[definition.task].input
    connections = connections_for(webhook.loaded.definition, declared)
    resolve_input(declared, values, connections)  # a refused call does not use its delivery's id up
    scheme = definition.signature.scheme if definition.signature else None
    job_id = await _claim(parts, webhook, delivery_id(scheme, headers, body), str(uuid7()))
    new = NewJob(
        workspace=webhook.loaded.workspace,
        task=definition.task,
        input=values,
        source_type=SOURCE_TYPE,
        source_id=webhook.key,
        job_id=job_id,
        revision=webhook.loaded.revision,
        automatic=OWN_INPUT,
    )
    job, is_new = await parts.orchestrator.create_once(new)
    if is_new:
        TRIGGERS_FIRED.labels("webhook").inc()
    return job.id


async def wait_for_job(parts: Parts, job_id: str, within: timedelta) -> Job:
    """The job when it has ended, or as it is by then."""
    return await parts.ends.wait(job_id, within)


async def load_own_job(parts: Parts, webhook: Webhook, job_id: str) -> Job:
    """A job that this webhook made.

    Raises:
        NotFound: there is none, or something else made it.
    """
    found = (await parts.storage.jobs.load([job_id])).get(job_id)
    if found is None or (found.job.source_type, found.job.source_id) != (SOURCE_TYPE, webhook.key):
        raise NotFound("Job not found")
    return found.job


def check_secret(parts: Parts, definition: WebhookTrigger, request: Request) -> None:
    """Whether the caller knows the webhook's secret; one that has only signatures can't be asked about its jobs.

    Raises:
        HTTPException: 401 or 503, as `deliver`.
    """
    if definition.secret is None and definition.signature is None:
        return
    told = _told_secret(request)
    if definition.secret is None or told is None:
        raise HTTPException(401, NO_SECRET)
    if not any(_is_same(secret, told) for secret in _resolve(parts, definition.secret)):
        raise HTTPException(401, NO_SECRET)


def _authorize(
    parts: Parts, definition: WebhookTrigger, request: Request, headers: Mapping[str, str], raw: bytes
) -> None:
    signature = definition.signature
    if signature is None:
        check_secret(parts, definition, request)
        return
    secrets, now = _resolve(parts, signature.secret), parts.clock.now()
    if not any(is_signed(signature.scheme, secret, headers, raw, now) for secret in secrets):
        raise HTTPException(401, NO_SIGNATURE)


def _told_secret(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else request.query_params.get("secret")


def _is_same(expected: str, told: str) -> bool:
    """Compares digests, so that neither content nor length shows in the time that it takes."""
    return hmac.compare_digest(*(sha256(text.encode("utf-8", "replace")).digest() for text in (expected, told)))


def _resolve(parts: Parts, secret: str) -> list[str]:
    """The secret itself; a reference is looked up in the api's environment, under the allowed prefix only.

    A variable of several lines has several secrets, all of which hold: the old one and the new one of a change.
    """
    if not secret.startswith(REFERENCE):
        return [secret]
    name = secret.removeprefix(REFERENCE)
    value = os.environ.get(name, "") if name.startswith(parts.settings.api_webhook_env_prefix) else ""
    found = [line for line in value.splitlines() if line.strip()]
    if not found:
        log.error("webhook.no_secret", variable=name, prefix=parts.settings.api_webhook_env_prefix)
        raise HTTPException(503, "The secret of this webhook is not set on the server")
    return found


async def _claim(parts: Parts, webhook: Webhook, delivery: str | None, job_id: str) -> str:
    """The id of the delivery's job: that of its first call."""
    if delivery is None:
        return job_id
    key = sha256(orjson.dumps([SOURCE_TYPE, webhook.key, delivery[:MOST_ID_LENGTH]])).hexdigest()
    return (await parts.storage.idempotency.claim(key, "", job_id))[1]


def answer_of(webhook: Webhook, job: Job) -> dict[str, Any]:
    """What callers read about a job."""
    return {
        "job_id": job.id,
        "trigger": webhook.trigger,
        "task": webhook.definition.task,
        "status": job.status.value,
        "output": mask(job.output),
    }
