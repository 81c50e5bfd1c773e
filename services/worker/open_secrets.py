"""Puts the values of secrets into a step, just before it runs."""

import asyncio

import structlog

from services.worker.redact import SHORTEST, Redactor
from services.worker.resolve_secrets import SecretSources
from services.worker.runners.runner import CannotRun, StepResult
from shared.definition.sealed import SecretMangled, mask, take_seal, unseal
from shared.messages.wire import RunStepMessage

log = structlog.get_logger()


class SecretOpener:
    """The only one that sees sealed tokens and values together."""

    def __init__(self, sources: SecretSources) -> None:
        self._sources = sources

    async def open(self, step: RunStepMessage) -> tuple[RunStepMessage, Redactor]:
        """The step with the values of its secrets, and what takes them out of all that it says.

        The values are in this process's memory, in the step's own files and environment, and nowhere else.

        Raises:
            CannotRun: a secret is not to be had, or a template changed one.
        """
        spec, seal = take_seal(step.spec)
        if seal is None:
            return step, Redactor()
        values: dict[str, str] = {}

        def resolve(ref: str) -> str:
            if ref not in values:
                values[ref] = self._sources.resolve(ref)
            return values[ref]

        def replace() -> RunStepMessage:
            changes = {"spec": unseal(spec, seal, resolve), "input": unseal(step.input, seal, resolve)}
            return step.model_copy(update=changes)

        try:
            opened = await asyncio.to_thread(replace)
        except SecretMangled as error:
            raise CannotRun(error.message) from error
        for ref, value in values.items():
            if len(value) < SHORTEST:
                log.warning("secret.too_short_to_mask", ref=ref, job_id=step.job_id, step=step.step)
        return opened, await asyncio.to_thread(Redactor, values.values())


def conceal(result: StepResult, redactor: Redactor) -> StepResult:
    """The result without secrets; without tokens either, which somebody might have printed."""
    if not redactor:
        return result
    error = None if result.error is None else redactor.redact_text(mask(result.error))
    output = redactor.redact_value(mask(result.output))
    return StepResult(result.outcome, output=output, error=error, exit_code=result.exit_code)
