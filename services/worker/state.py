"""The state of a step's task and workspace: laid out before it runs, kept after it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import structlog
from uuid_utils import uuid7

from services.worker.halt import Halt
from services.worker.redact import Redactor
from services.worker.runners.runner import CannotRun, StepResult
from services.worker.state_files import collect, lay_out
from services.worker.step_output import LONGEST_MARKER_BYTES, OutputWatch
from shared.engine.states import Outcome
from shared.errors import Contended, Rejected, Unavailable
from shared.messages.wire import RunStepMessage
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import FIRST_DELAY, LONGEST_DELAY
from shared.storage.records import SnapshotRecord, StateScope
from shared.storage.snapshot_port import SnapshotStore
from shared.storage.state_archive import StateRefused, StateTooLarge
from shared.storage.state_change import Author, StateChange, write_state

log = structlog.get_logger()

KEPT_WITHIN = timedelta(seconds=60)  # the database may be away for a moment; a step can't wait for ever


class StateWatch(OutputWatch):
    """Merges the objects of the marker's lines, later ones over earlier ones; anything else is passed over."""

    def __init__(self, marker: bytes) -> None:
        super().__init__(marker)
        self.keys: dict[str, Any] = {}

    def _judge(self, text: bytes) -> None:
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            return
        if isinstance(found, dict):
            self.keys |= found


@dataclass(frozen=True, slots=True)
class _Half:
    """The state of one scope as one attempt sees and writes it."""

    scope: StateScope
    found: Path
    left: Path
    watch: StateWatch

    def gather(self, redactor: Redactor) -> StateChange | None:
        """What the attempt wrote, without what is secret in the keys.

        Raises:
            StateRefused, StateTooLarge: it can't be kept.
        """
        self.watch.end()
        if self.watch.is_too_long:
            raise StateTooLarge(f"A line with state is longer than {LONGEST_MARKER_BYTES} bytes")
        change = collect(self.left, self.watch.keys)
        return None if change is None else replace(change, keys=redactor.redact_value(dict(change.keys)))


@dataclass(frozen=True, slots=True)
class AttemptState:
    """One attempt's state: put `environment` into its environment, and give `see` the raw bytes of its stdout."""

    halves: tuple[_Half, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def see(self, data: bytes) -> None:
        """Look for `STATE:` and `GLOBAL_STATE:` lines."""
        for half in self.halves:
            half.watch.see(data)


class States:
    """Opens and keeps the states of attempts."""

    def __init__(self, store: SnapshotStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def open(self, step: RunStepMessage, folder: Path) -> AttemptState:
        """Lay out the newest states below `folder`, as they are now.

        Raises:
            CannotRun: they are damaged, or don't fit on the disk.
            StoreUnavailable: try again later.
        """
        task, shared = (
            _Half(scope, folder / found, folder / left, StateWatch(marker))
            for scope, found, left, marker in (
                (StateScope(step.workspace, step.task), "state", "state-out", b"STATE:"),
                (StateScope(step.workspace), "global-state", "global-state-out", b"GLOBAL_STATE:"),
            )
        )
        newest = await asyncio.gather(self._store.latest(task.scope), self._store.latest(shared.scope))
        for half, snapshot in zip((task, shared), newest, strict=True):
            await self._lay_out(half, snapshot)
        environment = {
            "STATE_DIR": str(task.found),
            "STATE_OUT_DIR": str(task.left),
            "GLOBAL_STATE_DIR": str(shared.found),
            "GLOBAL_STATE_OUT_DIR": str(shared.left),
        }
        return AttemptState((task, shared), environment)

    async def keep(
        self, state: AttemptState, step: RunStepMessage, result: StepResult, redactor: Redactor, halt: Halt
    ) -> StepResult:
        """Keep what the attempt wrote, if it ended by itself; the result, failed if that was not possible."""
        if result.outcome not in (Outcome.COMPLETED, Outcome.FAILED):
            return result
        try:
            for half in state.halves:
                change = await asyncio.to_thread(half.gather, redactor)
                if change is not None:
                    await self._write(half.scope, change, step, halt)
        except (Rejected, Unavailable, Contended) as error:
            told = f"The step's state could not be kept: {error.message}"
            log.warning("state.not_kept", job_id=step.job_id, step=step.step, error=error.message)
            return replace(
                result, outcome=Outcome.FAILED, output=None, error="\n".join(filter(None, (result.error, told)))
            )
        return result

    async def _lay_out(self, half: _Half, snapshot: SnapshotRecord | None) -> None:
        half.found.mkdir(parents=True)
        half.left.mkdir()
        archive: bytes | None = None
        while snapshot is not None and archive is None:
            archive = await self._store.load_archive(snapshot)
            if archive is None:  # so many newer ones were written that it is gone
                snapshot = await self._store.latest(half.scope)
        if snapshot is None or archive is None:
            return
        try:
            await asyncio.to_thread(lay_out, half.found, snapshot.state, archive)
        except StateRefused as error:
            raise CannotRun(f"The state is damaged: {error.message}") from error
        except OSError as error:
            raise CannotRun(f"The state can't be unpacked: {error.strerror}") from error

    async def _write(self, scope: StateScope, change: StateChange, step: RunStepMessage, halt: Halt) -> None:
        """Write until it is kept, for a minute; a step that is to end does not wait."""
        now = self._clock.now()
        author = Author(str(uuid7()), step.job_id, now, step.step)
        give_up_at, delay, is_repeat = now + KEPT_WITHIN, FIRST_DELAY, False
        while True:
            try:
                await write_state(self._store, scope, change, author, is_repeat=is_repeat)
            except (Unavailable, Contended):
                if halt.reason is not None or self._clock.now() >= give_up_at:
                    raise
            else:
                return
            await self._clock.sleep(delay)
            delay, is_repeat = min(delay * 2, LONGEST_DELAY), True
