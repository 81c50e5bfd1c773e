"""Workflow files are checked on request, without being kept."""

import pytest
from httpx import AsyncClient

from services.api.parts import Parts
from shared.definition.schema import schema_text

GOOD = "tasks: { t: { flow: { s: { type: script, script: 'true' } } } }\n"


async def test_a_good_file_has_no_problems_and_is_not_kept(api: AsyncClient, parts: Parts) -> None:
    before = await parts.storage.workspaces.list_workspaces()
    answer = await api.post("/api/validate", json={"text": GOOD})
    assert answer.json() == {"is_valid": True, "problems": []}
    assert await parts.storage.workspaces.list_workspaces() == before


async def test_files_are_checked_together_and_each_problem_has_its_place(api: AsyncClient) -> None:
    files = {
        "a.yaml": "actions: { greet: { type: script, script: x } }\n",
        "b.yaml": "tasks: { t: { flow: { s: { action: gret } } } }\nextra: 1\n",
    }
    body = (await api.post("/api/validate", json={"files": files})).json()
    assert body["is_valid"] is False
    assert [problem["text"] for problem in body["problems"]] == [
        "b.yaml:1:36: error: unknown action 'gret' (did you mean 'greet'?)",
        "b.yaml:2:1: warning: unknown key 'extra'",
    ]
    assert body["problems"][0]["fix"] == "did you mean 'greet'?"
    assert {"severity", "file", "line", "column", "message", "subject"} <= body["problems"][1].keys()


async def test_a_file_that_is_no_yaml_is_a_problem_not_an_error(api: AsyncClient) -> None:
    answer = await api.post("/api/validate", json={"text": "a: [\n"})
    assert (answer.status_code, answer.json()["is_valid"]) == (200, False)


@pytest.mark.parametrize("body", [{}, [], {"text": GOOD, "files": {}}, {"text": 5}, {"file": GOOD}])
async def test_a_body_without_files_is_refused(api: AsyncClient, body: object) -> None:
    assert (await api.post("/api/validate", json=body)).status_code == 400


async def test_the_schema_is_served_for_editors(api: AsyncClient) -> None:
    answer = await api.get("/schemas/workflow.json")
    assert answer.content == schema_text()
    assert answer.headers["content-type"] == "application/schema+json"
