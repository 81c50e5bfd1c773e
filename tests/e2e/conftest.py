"""The stack that the stories run on: two of every service, as real processes."""

import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.cli.client import ApiClient
from tests.support.eventually import eventually
from tests.support.git_repository import GitRepository
from tests.support.stack import LocalStack

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples" / "workspace"
VERSIONED = "tasks: { shown: { flow: { show: { type: script, script: 'cat shown.txt' } } } }\n"
STORIES_TOKEN = "correct horse/battery"  # noqa: S105 - of the stories only
LOADED_WITHIN = timedelta(seconds=20)


@pytest.fixture(scope="session")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the stories' workspace that a story may edit."""
    folder = tmp_path_factory.mktemp("workspaces") / "stories"
    shutil.copytree(HERE / "workspace", folder)
    return folder


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """The repository of the workspace `versioned`."""
    made = GitRepository(tmp_path_factory.mktemp("repositories"))
    made.commit({".workflows/shown.yaml": VERSIONED, "shown.txt": "first"})
    return made


@pytest.fixture(scope="session")
def stack(stories: Path, repository: GitRepository) -> Iterator[LocalStack]:
    """Two apis, schedulers, dispatchers and workers on a broker and a database of their own."""
    versioned = {"type": "git", "url": repository.bare.as_uri(), "poll_interval_secs": 3600}
    workspaces: dict[str, Path | Mapping[str, Any]] = {"default": EXAMPLES, "stories": stories, "versioned": versioned}
    libraries = {"tools": HERE / "library"}
    with LocalStack(
        apis=2,
        schedulers=2,
        dispatchers=2,
        workers=2,
        workspaces=workspaces,
        libraries=libraries,
        environ={"SECRET_STORIES_TOKEN": STORIES_TOKEN, "HEADRACE_WORKER_HTTP_ALLOW": '["127.0.0.1"]'},
    ) as running:
        yield running


@pytest.fixture
async def api(stack: LocalStack) -> AsyncIterator[ApiClient]:
    """The first api process, once it knows the workspaces."""
    async with ApiClient(stack.api_urls[0]) as client:
        await _wait_for_workspaces(client)
        yield client


@pytest.fixture
async def other_api(stack: LocalStack) -> AsyncIterator[ApiClient]:
    """The second api process."""
    async with ApiClient(stack.api_urls[1]) as client:
        await _wait_for_workspaces(client)
        yield client


async def _wait_for_workspaces(client: ApiClient) -> None:
    async def are_loaded() -> bool:
        return {"default", "stories", "versioned"} <= {
            one["name"] for one in await client.get("/api/workspaces") if one["revision"]
        }

    await eventually(are_loaded, within=LOADED_WITHIN)
