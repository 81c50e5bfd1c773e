"""Starts the jobs that steps of `type: task` wait for."""

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog

from shared.broker.ports import Broker
from shared.definition.connections import connections_for
from shared.definition.inputs import resolve_input
from shared.definition.models import InputField, TaskDefinition
from shared.engine.commands import StartChild
from shared.engine.create import new_job
from shared.engine.flow import Flow, Json
from shared.engine.job import Job
from shared.errors import Conflict, InvalidInput, NotFound, Rejected
from shared.messages.translate import whole_millis
from shared.orchestration.carry_out import Owed
from shared.orchestration.catalog import Catalog
from shared.orchestration.create_job import JobCreator
from shared.orchestration.notify_parent import refused_child
from shared.runtime.clock import Clock
from shared.storage.ports import JobStore

log = structlog.get_logger()

DEEPEST = 10
"""How deep sub-jobs may nest; a top-level job is at depth 0."""

Cancel = Callable[[str, str], Awaitable[object]]
_HOOKS = ("on_success", "on_error", "on_cancel", "on_suspended")
_NOT_TEXT = frozenset({"integer", "number", "boolean"})


class ChildStarter:
    """Makes sub-jobs; each has the id that the engine derived, so that doing it twice makes one."""

    def __init__(
        self,
        creator: JobCreator,
        catalog: Catalog,
        jobs: JobStore,
        broker: Broker,
        clock: Clock,
        cancel: Cancel,
        *,
        partitions: int,
    ) -> None:
        self._creator = creator
        self._catalog = catalog
        self._jobs = jobs
        self._broker = broker
        self._clock = clock
        self._cancel = cancel
        self._partitions = partitions

    async def start(self, owed: Owed, command: StartChild) -> None:
        """Create the sub-job, or tell its parent why that can't be.

        A parent that was cancelled meanwhile may have looked for the sub-job before it was there: whoever made it looks
        at the parent afterwards, so that one of the two sees the other.

        Raises:
            Unavailable: unknown whether it was made; do it again.
        Repeats: the sub-job is made once; a refusal is told again, and the parent knows it.
        """
        try:
            child, _ = await self._creator.keep(await self._prepare(owed.job, command))
        except Rejected as error:
            log.warning("child.refused", job_id=owed.job.id, step=command.step, task=command.task, error=error.message)
            message = refused_child(owed.job, command, error.message, self._clock.now(), partitions=self._partitions)
            await self._broker.publish([message])
            return
        if not child.status.is_terminal and not await self._is_wanted(owed.job.id, command):
            with suppress(Conflict, NotFound):
                await self._cancel(child.id, f"job {owed.job.id}")

    async def _is_wanted(self, parent_id: str, command: StartChild) -> bool:
        found = await self._jobs.load([parent_id])
        if parent_id not in found:
            return False
        parent = found[parent_id].job
        step = parent.steps.get(command.step)
        is_open = step is not None and step.attempt == command.attempt and not step.status.is_terminal
        return is_open and not parent.status.is_terminal

    async def _prepare(self, parent: Job, command: StartChild) -> Job:
        if parent.depth >= DEEPEST:
            raise InvalidInput(f"sub-jobs may nest at most {DEEPEST} deep")
        loaded = await self._catalog.at(parent.workspace, parent.revision)
        flow = loaded.flow_of(command.task)
        definition = loaded.definition.tasks[command.task]
        connections = connections_for(loaded.definition, definition.input)
        given = as_declared(definition.input, command.input)
        resolved, warnings = resolve_input(definition.input, given, connections)
        job = new_job(
            id=command.job_id,
            workspace=parent.workspace,
            task=command.task,
            revision=parent.revision,
            flow=without_workspace_hooks(flow, definition),
            input=resolved,
            raw_input=dict(command.input),
            source_type="task",
            source_id=f"{parent.id}/{command.step}",
            created_at=whole_millis(self._clock.now()),
            warnings=warnings,
        )
        return replace(
            job,
            parent_job_id=parent.id,
            parent_step=command.step,
            parent_attempt=command.attempt,
            depth=parent.depth + 1,
        )


def without_workspace_hooks(flow: Flow, definition: TaskDefinition) -> Flow:
    """The flow of a sub-job: the workspace's hooks are about jobs that people or triggers start; nothing retries it."""
    not_own: dict[str, Any] = {name: () for name in _HOOKS if not getattr(definition, name)}
    return replace(flow, retry=None, **not_own)


def as_declared(fields: Mapping[str, InputField], values: Mapping[str, Json]) -> dict[str, Json]:
    """Texts that a template made of numbers and booleans are such again, where the task declares so: "5" is 5.

    What can't be read stays the text that it is, for the check to refuse.
    """
    return {
        name: _read(value) if isinstance(value, str) and name in fields and fields[name].type in _NOT_TEXT else value
        for name, value in values.items()
    }


def _read(text: str) -> Json:
    try:
        value = json.loads(text.strip().lower())
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text
