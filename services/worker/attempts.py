"""Which attempts this worker has in hand, had, and must not begin."""

from collections import OrderedDict

from services.worker.halt import Halt, HaltReason
from shared.messages.wire import CancelStepMessage, RunStepMessage
from shared.storage.records import RunningStep
from shared.telemetry.metrics import SLOTS_BUSY

REMEMBERED = 10_000  # attempts; some MiB, and hours of a busy worker


class Attempts:
    """The worker's memory of attempts, by (job, step, attempt)."""

    def __init__(self) -> None:
        self._running: dict[RunningStep, Halt] = {}
        self._ended = _Recent()
        self._cancelled = _Recent()
        self.is_draining = False

    @property
    def running(self) -> tuple[RunningStep, ...]:
        """What is in hand."""
        return tuple(self._running)

    def begin(self, step: RunStepMessage) -> Halt | None:
        """Take an attempt in hand; None: it is in hand already, or was reported before.

        A cancel that came before the attempt is in the halt already.
        """
        key = key_of(step)
        if key in self._running or key in self._ended:
            return None
        halt = Halt()
        if key in self._cancelled:
            halt.ask(HaltReason.CANCELLED)
        if self.is_draining:
            halt.ask(HaltReason.DRAINED)
        self._running[key] = halt
        SLOTS_BUSY.set(len(self._running))
        return halt

    def end(self, step: RunStepMessage, *, is_reported: bool) -> None:
        """Let an attempt go; one that was not reported may begin here again."""
        key = key_of(step)
        self._running.pop(key, None)
        SLOTS_BUSY.set(len(self._running))
        if is_reported:
            self._ended.add(key)

    def cancel(self, wish: CancelStepMessage) -> None:
        """End an attempt, or remember to when it comes. Repeats: harmless."""
        key = key_of(wish)
        self._cancelled.add(key)
        if halt := self._running.get(key):
            halt.ask(HaltReason.CANCELLED)

    def drain(self) -> None:
        """End whatever is in hand, and whatever comes, so that it runs elsewhere."""
        self.is_draining = True
        for halt in self._running.values():
            halt.ask(HaltReason.DRAINED)


class _Recent:
    """The last `REMEMBERED` attempts of some kind."""

    def __init__(self) -> None:
        self._keys: OrderedDict[RunningStep, None] = OrderedDict()

    def add(self, key: RunningStep) -> None:
        self._keys[key] = None
        self._keys.move_to_end(key)
        if len(self._keys) > REMEMBERED:
            self._keys.popitem(last=False)

    def __contains__(self, key: RunningStep) -> bool:
        return key in self._keys


def key_of(message: RunStepMessage | CancelStepMessage) -> RunningStep:
    """Which attempt a message is about."""
    return RunningStep(message.job_id, message.step, message.attempt)
