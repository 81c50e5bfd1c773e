"""What a rehearsal expected and did not get."""

from collections.abc import Iterator
from typing import Any

from shared.rehearsal.play import Played
from shared.rehearsal.script import Expected


def compare(expected: Expected, played: Played) -> list[str]:
    """A sentence for each difference."""
    return list(_differences(expected, played))


def _differences(expected: Expected, played: Played) -> Iterator[str]:
    job = played.job
    if job.status is not expected.status:
        yield f"the job is {job.status}, expected {expected.status}{_why(played)}"
    if "output" in expected.model_fields_set:
        yield from _compare("the output", expected.output, job.output)
    for name, status in expected.steps.items():
        yield from _compare(f"the status of '{name}'", status.value, _of_step(played, name, "status"))
    for name, values in expected.inputs.items():
        yield from _compare(f"the input of '{name}'", values, _of_step(played, name, "input"))
    for name, error in expected.errors.items():
        yield from _compare(f"the error of '{name}'", error, _of_step(played, name, "error"))
    if expected.hooks is not None:
        yield from _compare("the hooks", expected.hooks, played.hooks)
    if expected.trace is not None:
        yield from _compare_traces(expected.trace, played.trace)


def _compare(what: str, expected: Any, found: Any) -> Iterator[str]:
    if expected != found:
        yield f"{what} is {found!r}, expected {expected!r}"


def _compare_traces(expected: list[str], found: list[str]) -> Iterator[str]:
    for number in range(max(len(expected), len(found))):
        wanted = expected[number] if number < len(expected) else "nothing more"
        got = found[number] if number < len(found) else "nothing more"
        if wanted != got:
            yield f"line {number + 1} of the trace is '{got}', expected '{wanted}'"
            return


def _of_step(played: Played, name: str, field: str) -> Any:
    step = played.job.steps.get(name)
    value = getattr(step, field) if step is not None else None
    return str(value) if field == "status" and value is not None else value


def _why(played: Played) -> str:
    errors = [f"'{name}': {step.error}" for name, step in played.job.steps.items() if step.error]
    return f" ({'; '.join(errors)})" if errors else ""
