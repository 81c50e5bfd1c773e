"""Checking workflow files without keeping them, and the schema that editors complete by."""

import asyncio

from fastapi import APIRouter, Request, Response

from services.api.json_body import read_json
from services.api.models.validate import ValidateAnswer, ValidateRequest
from services.api.routes.refusals import refusals
from services.api.use_cases.validate_files import validate_files
from shared.definition.schema import schema_text

router = APIRouter(tags=["workspaces"])

_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": ValidateRequest.model_json_schema(mode="validation")}},
    }
}


@router.post("/api/validate", responses=refusals(400, 413, 415), openapi_extra=_BODY)
async def validate(request: Request) -> ValidateAnswer:
    """Check workflow files; nothing is kept. Actions' `source` files are not looked for."""
    body = await read_json(request)
    return await asyncio.to_thread(validate_files, body)


@router.get(
    "/schemas/workflow.json",
    response_class=Response,
    responses={200: {"content": {"application/schema+json": {}, "text/plain": {}}}},
)
async def show_schema() -> Response:
    """The JSON Schema of workflow files, by which editors complete and check."""
    return Response(schema_text(), media_type="application/schema+json", headers={"Cache-Control": "max-age=300"})
