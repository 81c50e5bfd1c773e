"""Checks workflow files that somebody sends; keeps nothing."""

from typing import Any

from pydantic import ValidationError

from services.api.error_responses import field_problems, sentence_of
from services.api.models.validate import FoundProblem, ValidateAnswer, ValidateRequest
from shared.definition.load import check_text, check_texts
from shared.definition.problems import Problem
from shared.errors import InvalidInput


def validate_files(body: Any) -> ValidateAnswer:
    """What is wrong with them. It takes up to seconds: call it in a thread.

    Raises:
        InvalidInput: neither `text` nor `files`, or both.
    """
    try:
        request = ValidateRequest.model_validate({} if body is None else body)
    except ValidationError as error:
        found = field_problems(error.errors(include_url=False, include_input=False))
        raise InvalidInput(sentence_of(found), problems=found) from None
    problems = _check(request)
    return ValidateAnswer(
        is_valid=not any(problem.is_error for problem in problems),
        problems=[FoundProblem(**problem.to_json()) for problem in problems],
    )


def _check(request: ValidateRequest) -> tuple[Problem, ...]:
    if (request.text is None) == (request.files is None):
        raise InvalidInput("send exactly one of `text` and `files`")
    if request.text is not None:
        return check_text(request.text.encode("utf-8", "surrogatepass"))[1]
    files = request.files or {}
    return check_texts({name: text.encode("utf-8", "surrogatepass") for name, text in files.items()})[1]
