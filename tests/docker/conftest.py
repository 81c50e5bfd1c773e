"""The engine, and a runner on it."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.worker.cache_folder import CacheFolder
from services.worker.runners.docker_engine import DockerEngine, open_engine
from services.worker.workspace_cache import WorkspaceCache
from shared.definition.archive import pack_folder
from shared.storage.memory import MemoryStorage
from shared.storage.records import RevisionRecord
from tests.docker.bench import WORKSPACE, ContainerBench
from tests.docker.daemon import run_daemon


@pytest.fixture(scope="session")
def engine_url() -> Iterator[str]:
    """A running engine; short paths, since a socket's name has 108 bytes at most."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-docker-"))
    try:
        with run_daemon(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def engine(engine_url: str) -> AsyncIterator[DockerEngine]:
    """A client of it."""
    found = await open_engine(engine_url)
    try:
        yield found
    finally:
        await found.close()


@pytest.fixture
async def bench(engine: DockerEngine, engine_url: str, tmp_path: Path) -> AsyncIterator[ContainerBench]:
    """A runner with a workspace, on stores in memory."""
    files = tmp_path / "files"
    (files / "scripts").mkdir(parents=True)
    (files / "scripts" / "greet.sh").write_text('echo "hello $*"\n')
    (files / "scripts" / "words.awk").write_text("#!/bin/awk -f\n")
    storage = MemoryStorage()
    await storage.workspaces.put_revision(RevisionRecord(WORKSPACE, "r1", {}), pack_folder(files))
    cache = WorkspaceCache(storage.workspaces, CacheFolder(tmp_path / "cache", "w1"), keep=2, spares=1)
    async with cache:
        yield ContainerBench(engine, engine_url, cache, storage)
