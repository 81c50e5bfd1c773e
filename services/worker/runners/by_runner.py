"""Chooses where a script runs."""

from collections.abc import Mapping

from services.worker.halt import Halt
from services.worker.read_output import LineSink
from services.worker.runners.runner import CannotRun, Runner, StepResult
from shared.messages.wire import RunStepMessage


class ByRunner:
    """`runners` is `{what the action says in `runner`: who does that}`."""

    def __init__(self, runners: Mapping[str, Runner]) -> None:
        self._runners = runners

    async def run(self, step: RunStepMessage, sink: LineSink, halt: Halt) -> StepResult:
        runner = self._runners.get(step.runner)
        if runner is None:
            raise CannotRun(f"runner {step.runner!r} is not supported by this worker")
        return await runner.run(step, sink, halt)
