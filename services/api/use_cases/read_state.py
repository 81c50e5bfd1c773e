"""States of tasks and workspaces, read from the store."""

from services.api.models.state import SnapshotRow, StateView
from services.api.use_cases.read_workspaces import find_task
from shared.orchestration.catalog import Catalog, LoadedRevision
from shared.storage.records import StateScope
from shared.storage.snapshot_port import SnapshotStore


async def find_scope(catalog: Catalog, workspace: str, task: str | None) -> tuple[StateScope, LoadedRevision]:
    """Whose state it is, and the workspace as it is now.

    Raises:
        NotFound: no such workspace or task; the text names it.
    """
    loaded = await catalog.current(workspace)
    if task is not None:
        find_task(loaded, task)
    return StateScope(workspace, task), loaded


async def show_state(catalog: Catalog, snapshots: SnapshotStore, workspace: str, task: str | None) -> StateView:
    """The latest state, empty while nothing was kept; raises as `find_scope`."""
    scope, _ = await find_scope(catalog, workspace, task)
    found = await snapshots.latest(scope)
    if found is None:
        return StateView(snapshot_id=None, job_id=None, step=None, created_at=None, state={}, files={})
    return StateView(
        snapshot_id=found.id,
        job_id=found.job_id,
        step=found.step,
        created_at=found.created_at,
        state=dict(found.state),
        files=dict(found.files),
    )


async def list_snapshots(
    catalog: Catalog, snapshots: SnapshotStore, workspace: str, task: str | None
) -> list[SnapshotRow]:
    """The states that are kept, newest first; raises as `find_scope`."""
    scope, _ = await find_scope(catalog, workspace, task)
    return [
        SnapshotRow(
            snapshot_id=one.id,
            number=one.number,
            job_id=one.job_id,
            step=one.step,
            created_at=one.created_at,
            files_count=len(one.files),
            archive_bytes=one.archive_bytes,
        )
        for one in await snapshots.list_snapshots(scope)
    ]
