"""What runs one attempt of a step, whatever it is made of."""

from dataclasses import dataclass
from typing import Any, Protocol

from services.worker.halt import Halt
from services.worker.read_output import LineSink
from shared.engine.states import Outcome
from shared.messages.wire import RunStepMessage


@dataclass(frozen=True, slots=True)
class StepResult:
    """How an attempt ended; `output` only with `completed`, `error` only without."""

    outcome: Outcome
    output: Any = None
    error: str | None = None
    exit_code: int | None = None


class CannotRun(Exception):  # noqa: N818 - the broken fact
    """The step can't be started; the text says why and fails the step."""


class Runner(Protocol):
    """Runs attempts of one action type; one instance for all slots."""

    async def run(self, step: RunStepMessage, sink: LineSink, halt: Halt) -> StepResult:
        """Run it to its end, passing on each line; when `halt` is asked, kill it soon and answer `cancelled`.

        Raises:
            CannotRun: nothing was started.
        """
        ...
