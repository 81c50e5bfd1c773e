"""Keeps the files that a completed step left in its artifacts folder."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from uuid_utils import uuid7

from services.worker.content_type import HEAD_BYTES, find_content_type
from services.worker.find_artifacts import ArtifactsRefused, FoundFile, check_room, find_artifacts
from services.worker.runners.runner import StepResult
from shared.engine.states import Outcome
from shared.errors import HeadraceError, Unavailable
from shared.messages.wire import RunStepMessage
from shared.runtime.clock import Clock
from shared.storage.artifact_port import ArtifactStore
from shared.storage.artifact_records import PART_BYTES, ArtifactRecord

log = structlog.get_logger()

_T = TypeVar("_T")

DELAYS = (timedelta(milliseconds=250), timedelta(milliseconds=500), timedelta(seconds=1))  # between tries of one call
KEPT_WITHIN = timedelta(minutes=5)  # all artifacts of a step


class Artifacts:
    """Nothing is seen of a step's artifacts until all of them are in the store, and then only if it has completed."""

    def __init__(self, store: ArtifactStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def keep(self, step: RunStepMessage, folder: Path, result: StepResult) -> StepResult:
        """The result of a step that left these files; failed with a sentence where they could not be kept.

        A step that did not complete leaves none.
        """
        if result.outcome is not Outcome.COMPLETED:
            return result
        uploaded: list[ArtifactRecord] = []
        try:
            async with asyncio.timeout(KEPT_WITHIN.total_seconds()):
                await self._keep(step, folder, uploaded)
        except ArtifactsRefused as refusal:
            told = str(refusal)
        except HeadraceError as error:
            told = f"The artifacts could not be kept: {error.message}"
        except OSError as error:
            told = f"The artifacts could not be read: {error.strerror}"
        except TimeoutError:
            told = f"The artifacts could not be kept within {KEPT_WITHIN.total_seconds():g}s"
        else:
            return result
        await self._forget(uploaded)
        return StepResult(Outcome.FAILED, error=told, exit_code=result.exit_code)

    async def _keep(self, step: RunStepMessage, folder: Path, uploaded: list[ArtifactRecord]) -> None:
        found = await asyncio.to_thread(find_artifacts, folder)
        if not found:
            return
        names = {file.name for file in found}
        others = await self._insist(partial(self._store.list_of, step.job_id))
        check_room(found, sum(one.size_bytes for one in others if one.name not in names))
        for file in found:
            record = self._to_record(step, file)
            uploaded.append(record)
            uploaded[-1] = await self._upload(record, file.path)
        unused = [await self._insist(partial(self._store.put, record)) for record in uploaded]
        uploaded.clear()  # seen from now on
        await self._forget([record for record in unused if record is not None])

    async def _upload(self, record: ArtifactRecord, path: Path) -> ArtifactRecord:
        """Send the file part by part; no more than one is in memory."""
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            for index in range(record.part_count):
                data = await asyncio.to_thread(file.read, min(PART_BYTES, record.size_bytes - index * PART_BYTES))
                if index == 0:
                    record = replace(record, content_type=find_content_type(record.name, data[:HEAD_BYTES]))
                await self._insist(partial(self._store.put_part, record.content, index, data))
        return record

    def _to_record(self, step: RunStepMessage, file: FoundFile) -> ArtifactRecord:
        return ArtifactRecord(
            job_id=step.job_id,
            name=file.name,
            step=step.step,
            attempt=step.attempt,
            content=str(uuid7()),
            content_type=find_content_type(file.name, b""),
            size_bytes=file.size_bytes,
            created_at=self._clock.now(),
        )

    async def _insist(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Ask the store, and again after each of `DELAYS` while it is away.

        Raises:
            Unavailable: it still is.
        """
        for delay in DELAYS:
            try:
                return await ask()
            except Unavailable as error:
                log.warning("artifacts.wait", error=error.message)
            await self._clock.sleep(delay)
        return await ask()

    async def _forget(self, records: Sequence[ArtifactRecord]) -> None:
        """Remove bytes that nobody will ask for; what can't be removed now stays and harms nobody."""
        try:
            await self._store.remove_parts(records)
        except Unavailable as error:
            log.warning("artifacts.left", count=len(records), error=error.message)
