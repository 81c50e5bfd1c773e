"""Pauses triggers and lets them go on; that stands beside the files and outlives every reload."""

from services.api.models.workspaces import TriggerView
from services.api.use_cases.read_workspaces import list_triggers
from shared.errors import NotFound
from shared.orchestration.catalog import Catalog
from shared.runtime.clock import Clock
from shared.storage.ports import FireStore


async def pause_trigger(catalog: Catalog, fires: FireStore, clock: Clock, workspace: str, name: str) -> TriggerView:
    """Let the trigger start nothing until it is resumed.

    Raises:
        NotFound: no such workspace or trigger.
    Repeats: harmless.
    """
    await _find(catalog, workspace, name)
    await fires.pause(f"{workspace}/{name}", clock.now())
    return await _view(catalog, fires, clock, workspace, name)


async def resume_trigger(catalog: Catalog, fires: FireStore, clock: Clock, workspace: str, name: str) -> TriggerView:
    """Let the trigger work again, from now on: what it would have started meanwhile is not made up for.

    Raises:
        NotFound: no such workspace or trigger.
    Repeats: harmless.
    """
    await _find(catalog, workspace, name)
    key = f"{workspace}/{name}"
    if key in await fires.load_paused():
        await fires.advance(key, clock.now())
        await fires.resume(key)
    return await _view(catalog, fires, clock, workspace, name)


async def _find(catalog: Catalog, workspace: str, name: str) -> None:
    if name not in (await catalog.current(workspace)).definition.triggers:
        raise NotFound(f"Trigger '{name}' not found in workspace '{workspace}'")


async def _view(catalog: Catalog, fires: FireStore, clock: Clock, workspace: str, name: str) -> TriggerView:
    return next(view for view in await list_triggers(catalog, fires, clock, workspace) if view.name == name)
