"""The OpenAPI description: kept in the tree, complete, and true to the contract's page."""

from pathlib import Path
from typing import Any

import pytest

from services.api.app import bare_app
from services.api.openapi import TARGET, as_text, describe
from services.api.settings import ApiSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = {
    "/api/workspaces": {"get"},
    "/api/workspaces/{workspace}/tasks": {"get"},
    "/api/workspaces/{workspace}/tasks/{task}": {"get"},
    "/api/workspaces/{workspace}/tasks/{task}/execute": {"post"},
    "/api/workspaces/{workspace}/triggers": {"get"},
    "/api/workspaces/{workspace}/tasks/{task}/state": {"get", "post"},
    "/api/workspaces/{workspace}/tasks/{task}/state/snapshots": {"get"},
    "/api/workspaces/{workspace}/state": {"get", "post"},
    "/api/workspaces/{workspace}/state/snapshots": {"get"},
    "/api/tasks": {"get"},
    "/api/workspaces/{workspace}/refresh": {"post"},
    "/api/jobs": {"get"},
    "/api/jobs/{job_id}": {"get"},
    "/api/jobs/{job_id}/cancel": {"post"},
    "/api/jobs/bulk-cancel": {"post"},
    "/api/jobs/bulk-retry": {"post"},
    "/api/jobs/{job_id}/pause": {"post"},
    "/api/jobs/{job_id}/resume": {"post"},
    "/api/jobs/{job_id}/retry": {"post"},
    "/api/jobs/{job_id}/explain": {"get"},
    "/api/jobs/{job_id}/steps/{step}/approve": {"post"},
    "/api/jobs/{job_id}/steps/{step}/skip": {"post"},
    "/api/jobs/{job_id}/steps/{step}/force-complete": {"post"},
    "/api/jobs/{job_id}/steps/{step}/retry": {"post"},
    "/api/jobs/{job_id}/steps/{step}/replay": {"post"},
    "/api/workspaces/{workspace}/events/{event_key}": {"post"},
    "/api/jobs/{job_id}/artifacts": {"get"},
    "/api/jobs/{job_id}/artifacts/{name}": {"get"},
    "/api/jobs/{job_id}/logs": {"get"},
    "/api/jobs/{job_id}/steps/{step}/logs": {"get"},
    "/api/workers": {"get"},
    "/api/workers/{worker_id}": {"get"},
    "/api/config": {"get"},
    "/api/stats": {"get"},
    "/api/validate": {"post"},
    "/api/workspaces/{workspace}/triggers/{name}/pause": {"post"},
    "/api/workspaces/{workspace}/triggers/{name}/resume": {"post"},
    "/hooks/{name}": {"get", "post"},
    "/hooks/{name}/jobs/{job_id}": {"get"},
    "/schemas/workflow.json": {"get"},
    "/healthz": {"get"},
    "/metrics": {"get"},
}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return describe(bare_app(ApiSettings()))


def test_the_kept_description_is_the_current_one(description: dict[str, Any]) -> None:
    kept = (ROOT / TARGET).read_bytes()
    assert kept == as_text(description), "run `python -m services.api.openapi`"


def test_every_endpoint_is_described(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    assert {path: set(methods) for path, methods in description["paths"].items()} == PAGE


def test_every_operation_has_an_id_of_its_own_a_summary_and_a_typed_answer(description: dict[str, Any]) -> None:
    operations = [operation for path in description["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all(operation["summary"] and operation["description"] for operation in operations)
    for operation in operations:
        content = (operation["responses"].get("200") or operation["responses"]["201"])["content"]
        is_text_or_file = {"text/plain", "application/octet-stream"} & content.keys()
        assert is_text_or_file or content["application/json"]["schema"], operation["operationId"]


def test_every_refusal_has_the_one_body(description: dict[str, Any]) -> None:
    for path, methods in description["paths"].items():
        for operation in methods.values():
            refusals = {code: answer for code, answer in operation["responses"].items() if int(code) >= 400}
            assert "422" not in refusals
            if path != "/healthz":
                assert {tuple(answer["content"]) for answer in refusals.values()} <= {("application/problem+json",)}


def test_every_field_of_the_one_body_but_errors_is_required(description: dict[str, Any]) -> None:
    body = description["components"]["schemas"]["ProblemDetails"]
    assert set(body["required"]) == {"type", "title", "status", "detail", "instance", "error"}
