"""What a step or a person changes of a state, made into the next snapshot."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from shared.errors import Contended
from shared.storage.records import SnapshotRecord, StateScope
from shared.storage.snapshot_port import SnapshotStore
from shared.storage.state_archive import STATE_FILE, StateFile, StateRefused, StateTooLarge, pack_files, read_files

LARGEST_STATE_BYTES = 2**20  # of state.json
KEPT_SNAPSHOTS = 5  # of each task, and of each workspace's global state; Strøm's default
MOST_TRIES = 20  # so many others would have to write between reading and writing


@dataclass(frozen=True, slots=True)
class StateChange:
    """Changes to the latest snapshot.

    `keys` go over those of `state.json`, null takes one away; `files` replace those of the same path; `removed` are
    paths of files and folders, "." means all. `is_anew`: nothing is carried over; `has_own_keys`: no keys are.
    """

    keys: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, StateFile] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    is_anew: bool = False
    has_own_keys: bool = False


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes a snapshot: `id` is the new snapshot's, so that a repeat finds it."""

    id: str
    job_id: str
    created_at: datetime
    step: str | None = None


async def write_state(
    store: SnapshotStore, scope: StateScope, change: StateChange, author: Author, *, is_repeat: bool = False
) -> SnapshotRecord:
    """Keep the latest snapshot with the change as a new one; who writes at the same time loses nothing.

    Raises:
        StateRefused, StateTooLarge: the outcome can't be kept.
        StoreUnavailable: unknown whether it was kept; call it again with `is_repeat`.
        Contended: too many others wrote; call it again.
    """
    if is_repeat and (kept := await _find(store, scope, author.id)):
        return kept
    for _ in range(MOST_TRIES):
        before = await store.latest(scope)
        archive = await store.load_archive(before) if before is not None and not change.is_anew else b""
        if archive is None:
            continue  # so many newer ones were written that it is gone
        record, packed = await asyncio.to_thread(_apply, scope, before, archive, change, author)
        if await store.put(record, packed, keep=KEPT_SNAPSHOTS):
            return record
    raise Contended("too many write this state at once")


async def _find(store: SnapshotStore, scope: StateScope, snapshot_id: str) -> SnapshotRecord | None:
    return next((one for one in await store.list_snapshots(scope) if one.id == snapshot_id), None)


def _apply(
    scope: StateScope, before: SnapshotRecord | None, archive: bytes, change: StateChange, author: Author
) -> tuple[SnapshotRecord, bytes]:
    files = _change_files(archive, change) if change.files or change.removed else None
    packed = archive if files is None else pack_files(files)
    sizes = before.files if files is None and before is not None and not change.is_anew else {}
    record = SnapshotRecord(
        id=author.id,
        scope=scope,
        number=before.number + 1 if before is not None else 1,
        state=_change_keys(before, change),
        files=sizes if files is None else {path: len(file.content) for path, file in sorted(files.items())},
        archive_bytes=len(packed),
        job_id=author.job_id,
        step=author.step,
        created_at=author.created_at,
    )
    return record, packed


def _change_files(archive: bytes, change: StateChange) -> dict[str, StateFile]:
    old = {path: file for path, file in read_files(archive).items() if not _is_removed(path, change)}
    return {**old, **change.files}


def _is_removed(path: str, change: StateChange) -> bool:
    """Whether it was taken away, or a file stands where its folder was, or a folder where it was."""
    parts = path.split("/")
    own = {"/".join(parts[:end]) for end in range(1, len(parts) + 1)} | {"."}
    return (
        not own.isdisjoint(change.removed)
        or not own.isdisjoint(change.files)
        or any(new.startswith(f"{path}/") for new in change.files)
    )


def _change_keys(before: SnapshotRecord | None, change: StateChange) -> dict[str, Any]:
    is_carried = before is not None and not change.is_anew and not change.has_own_keys
    keys = {**(before.state if before is not None and is_carried else {}), **change.keys}
    kept = {key: value for key, value in keys.items() if value is not None}
    try:
        size = len(orjson.dumps(kept))
    except orjson.JSONEncodeError as error:
        raise StateRefused(f"{STATE_FILE} can't be kept: {error}") from None
    if size > LARGEST_STATE_BYTES:
        raise StateTooLarge(f"{STATE_FILE} has {size} bytes; at most {LARGEST_STATE_BYTES} are kept")
    return kept
