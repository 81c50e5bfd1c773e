"""Git repositories as sources of files, on real repositories."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.scheduler import follow_sources
from services.scheduler.follow_sources import FollowSources
from services.scheduler.git_source import RETRY_AFTER, GitFiles
from services.scheduler.hear_refresh import HearRefresh
from services.scheduler.run_git import read_remote, run_git
from services.scheduler.sync_workspaces import SyncWorkspaces
from shared.errors import NotFound, Rejected, Unavailable
from shared.orchestration.catalog import Catalog
from shared.runtime.clock import ManualClock
from shared.runtime.lifecycle import Lifecycle
from shared.runtime.sources import GitSource, find_trouble, is_ref
from tests.support.eventually import eventually
from tests.support.git_repository import GitRepository
from tests.unit.orchestration.world import a_world

MINUTE = timedelta(seconds=60)


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "origin")


class Files:
    """A source over a repository with a clock of its own."""

    def __init__(self, url: str, data: Path, ref: str = "main") -> None:
        self.url, self.data, self.ref = url, data, ref

    async def open(self) -> GitFiles:
        self.clock = ManualClock(datetime(2030, 1, 1, tzinfo=UTC))
        return GitFiles(GitSource(self.url, self.ref), self.data, self.clock)


async def test_the_files_are_those_of_the_commit_and_the_revision_is_its_id(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.tree.joinpath("run.sh").write_text("echo hi\n")
    repository.tree.joinpath("run.sh").chmod(0o755)
    commit = repository.commit({".workflows/a.yaml": "tasks: {}\n", "sub/ümläut.txt": "x"})
    source = await Files(str(repository.bare), tmp_path / "data").open()
    assert await source.peek() == commit
    fetched = await source.fetch()
    assert fetched.revision == commit
    assert list(fetched.snapshot.files) == [".workflows/a.yaml", "run.sh", "sub/ümläut.txt"]
    assert fetched.snapshot.files["run.sh"].is_executable
    assert fetched.snapshot.files["sub/ümläut.txt"].content == b"x"


async def test_between_two_polls_git_is_not_asked_unless_somebody_insists(
    repository: GitRepository, tmp_path: Path
) -> None:
    first = repository.commit({"a": "1"})
    files = Files(repository.bare.as_uri(), tmp_path / "data")
    source = await files.open()
    assert await source.peek() == first
    second = repository.commit({"a": "2"})
    assert await source.peek() == first
    assert await source.peek(is_forced=True) == second
    third = repository.commit({"a": "3"})
    await files.clock.advance(MINUTE)
    assert await source.peek() == third
    assert (await source.fetch()).snapshot.files["a"].content == b"3"


async def test_a_tag_is_followed_to_its_commit(repository: GitRepository, tmp_path: Path) -> None:
    tagged = repository.commit({"a": "1"})
    repository.git("tag", "--annotate", "v1", "--message", "one")
    repository.git("push", "--quiet", str(repository.bare), "v1")
    repository.commit({"a": "2"})
    source = await Files(str(repository.bare), tmp_path / "data", "v1").open()
    assert (await source.fetch()).revision == tagged


async def test_a_pinned_commit_stays_whatever_the_branches_do(repository: GitRepository, tmp_path: Path) -> None:
    pinned = repository.commit({"a": "1"})
    repository.commit({"a": "2"})
    source = await Files(str(repository.bare), tmp_path / "data", pinned).open()
    fetched = await source.fetch()
    assert (fetched.revision, fetched.snapshot.files["a"].content) == (pinned, b"1")


async def test_a_branch_with_the_same_ending_is_another(repository: GitRepository, tmp_path: Path) -> None:
    repository.commit({"a": "1"}, branch="other/main")
    source = await Files(str(repository.bare), tmp_path / "data").open()
    with pytest.raises(NotFound, match="no branch or tag 'main'"):
        await source.peek()


async def test_links_stay_inside_and_submodules_are_refused(repository: GitRepository, tmp_path: Path) -> None:
    repository.commit({"real.txt": "real", "sub/x": "x"})
    (repository.tree / "sub" / "link").symlink_to("../real.txt")
    (repository.tree / "out").symlink_to("/etc/hostname")
    (repository.tree / "up").symlink_to("../../etc/hostname")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    repository.push()
    source = await Files(str(repository.bare), tmp_path / "data").open()
    snapshot = (await source.fetch()).snapshot
    assert snapshot.files["sub/link"].content == b"real"
    assert set(snapshot.files) == {"real.txt", "sub/x", "sub/link"}
    assert {"out", "up"} <= set(snapshot.refused)


async def test_a_failure_is_remembered_and_tried_again_later(repository: GitRepository, tmp_path: Path) -> None:
    repository.commit({"a": "1"})
    away = repository.bare.rename(repository.bare.with_name("away"))
    files = Files(str(repository.bare), tmp_path / "data")
    source = await files.open()
    with pytest.raises(Unavailable, match="git failed"):
        await source.peek()
    away.rename(repository.bare)
    with pytest.raises(Unavailable):
        await source.peek()
    await files.clock.advance(RETRY_AFTER)
    assert await source.peek()


async def test_a_damaged_mirror_is_made_anew(repository: GitRepository, tmp_path: Path) -> None:
    repository.commit({"a": "1"})
    files = Files(str(repository.bare), tmp_path / "data")
    source = await files.open()
    await source.fetch()
    (mirror,) = (tmp_path / "data" / "git").glob("*.git")
    (mirror / "HEAD").write_text("nonsense")
    repository.commit({"a": "2"})
    assert await source.peek(is_forced=True)
    with pytest.raises(Unavailable):
        await source.fetch()
    await files.clock.advance(RETRY_AFTER)
    assert (await source.fetch()).snapshot.files["a"].content == b"2"


async def test_two_schedulers_may_share_a_data_folder(repository: GitRepository, tmp_path: Path) -> None:
    commit = repository.commit({"a": "1"})
    one = await Files(str(repository.bare), tmp_path / "data").open()
    two = await Files(str(repository.bare), tmp_path / "data").open()
    assert (await one.fetch()).revision == (await two.fetch()).revision == commit
    assert len(list((tmp_path / "data" / "git").glob("*.git"))) == 2


async def test_a_tree_that_is_too_large_is_refused(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.scheduler.git_tree.TOTAL_BYTES", 3)
    repository.commit({"a": "1234"})
    source = await Files(str(repository.bare), tmp_path / "data").open()
    with pytest.raises(Rejected, match="more than 3 bytes"):
        await source.fetch()


async def test_without_git_the_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="is it installed"):
        await run_git(["version"], within=MINUTE)


async def test_git_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "git"
    fake.write_text("#!/bin/sh\n/bin/sleep 600\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="did not answer within"):
        await run_git(["version"], within=timedelta(seconds=0.2))


async def test_a_stop_does_not_wait_for_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "git"
    fake.write_text(f"#!/bin/sh\necho > {tmp_path}/started\nexec /bin/sleep 600\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(follow_sources, "DRAIN", timedelta(seconds=0.1))
    world = await a_world()
    source = GitFiles(GitSource("/nowhere"), tmp_path / "data", world.clock)
    catalog = Catalog(world.storage.workspaces, clock=world.clock)
    sync = SyncWorkspaces(world.storage.workspaces, world.broker, catalog, world.clock, {"w": source})
    lifecycle = Lifecycle()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(FollowSources(sync, HearRefresh(world.broker, sync)).run(lifecycle))

        async def has_started() -> bool:
            return (tmp_path / "started").exists()

        await eventually(has_started)
        lifecycle.stopping.set()


async def test_a_password_leaves_the_address_and_goes_to_its_host_alone() -> None:
    remote = read_remote("https://me:s3%2Fcret@example.org/a.git")
    assert remote.url == "https://example.org/a.git"
    ask = ["config", "--get-urlmatch", "http.extraHeader"]
    told = await run_git([*ask, remote.url], within=MINUTE, settings=remote.settings)
    assert told.decode().strip() == f"Authorization: Basic {base64.b64encode(b'me:s3/cret').decode()}"
    with pytest.raises(Unavailable):
        await run_git([*ask, "https://example.com/a.git"], within=MINUTE, settings=remote.settings)


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c id",
        "ext::id",
        "-u",
        "--upload-pack=id",
        "ssh://-oProxyCommand=id/x",
        "ssh://a@-oProxyCommand=id/x",
        "http://example.org/a.git",
        "git://example.org/a.git",
        "fd::17",
        "https://",
        "a b",
        "a\nb",
        "",
    ],
)
def test_addresses_that_could_run_something_are_refused(url: str) -> None:
    assert find_trouble(url)


@pytest.mark.parametrize(
    "url", ["https://example.org/a.git", "ssh://git@example.org/a.git", "git@example.org:a/b.git", "file:///a", "../a"]
)
def test_addresses_of_repositories_are_taken(url: str) -> None:
    assert find_trouble(url) is None


@pytest.mark.parametrize("ref", ["--help", "a..b", "a:b", "a b", "a^", "a~1", "@{-1}", "", "*", "a.lock"])
def test_refs_that_are_expressions_are_refused(ref: str) -> None:
    assert not is_ref(ref)
