"""The OpenAPI description; `python -m services.api.openapi` writes it to docs/generated/openapi.json."""

from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

TARGET = Path("docs/generated/openapi.json")
FIRST_ERROR = 400
_UNUSED = ("HTTPValidationError", "ValidationError")  # we answer 400 with our own body, never 422


def describe(app: FastAPI) -> dict[str, Any]:
    """The app's OpenAPI 3.1 document, made once."""
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        for operation in _operations(found):
            operation["responses"].pop("422", None)
            _name_problem_media(operation["responses"])
        for name in _UNUSED:
            found["components"]["schemas"].pop(name, None)
        app.openapi_schema = found
    return app.openapi_schema


def as_text(description: dict[str, Any]) -> bytes:
    """The description as it is kept: indented, keys sorted, a line end last."""
    return orjson.dumps(description, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _operations(description: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in description["paths"].values() for operation in path.values()]


def _name_problem_media(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        content = response.get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if int(status) >= FIRST_ERROR and schema.get("$ref", "").endswith("/ProblemDetails"):
            response["content"] = {"application/problem+json": content["application/json"]}


def main() -> None:
    """Write the description."""
    from services.api.app import bare_app  # noqa: PLC0415 - the app imports this module
    from services.api.settings import ApiSettings  # noqa: PLC0415

    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(as_text(describe(bare_app(ApiSettings()))))


if __name__ == "__main__":
    main()
