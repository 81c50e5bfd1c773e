"""Follows a branch, tag or commit of a git repository."""

import asyncio
import re
from datetime import datetime, timedelta
from pathlib import Path

from services.scheduler.git_mirror import GitMirror
from services.scheduler.git_tree import read_tree
from services.scheduler.run_git import read_remote, run_git
from services.scheduler.source import Fetched
from shared.errors import HeadraceError, NotFound
from shared.runtime.clock import Clock
from shared.runtime.sources import GitSource

PEEK_WITHIN = timedelta(seconds=20)
RETRY_AFTER = timedelta(seconds=10)  # a repository that failed is asked again this soon, or at its poll interval
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class GitFiles:
    """Asks for the commit's id at each interval, and fetches when it changed. The revision is the commit's id."""

    def __init__(self, source: GitSource, data_folder: Path, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._remote = read_remote(source.url)
        self._mirror = GitMirror(data_folder / "git", self._remote)
        self._turn = asyncio.Lock()
        self._next_at: datetime | None = None
        self._seen: str | HeadraceError | None = None

    async def peek(self, *, is_forced: bool = False) -> str:
        async with self._turn:
            return await self._peek(is_forced=is_forced)

    async def fetch(self) -> Fetched:
        async with self._turn:
            commit = await self._peek(is_forced=False)
            try:
                repository = await self._mirror.fetch(commit)
                return Fetched(await read_tree(repository, commit), commit)
            except HeadraceError as error:
                self._keep(error, min(RETRY_AFTER, self._source.poll_every))
                raise

    async def _peek(self, *, is_forced: bool) -> str:
        is_due = self._next_at is None or self._clock.now() >= self._next_at
        if is_forced or is_due:
            try:
                self._keep(await self._find_commit(), self._source.poll_every)
            except HeadraceError as error:
                self._keep(error, min(RETRY_AFTER, self._source.poll_every))
        if isinstance(self._seen, HeadraceError):
            raise type(self._seen)(self._seen.message)
        return str(self._seen)

    def _keep(self, seen: str | HeadraceError, for_this_long: timedelta) -> None:
        self._seen = seen
        self._next_at = self._clock.now() + for_this_long

    async def _find_commit(self) -> str:
        ref = self._source.ref
        if _COMMIT.fullmatch(ref):
            return ref
        names = [ref] if ref.startswith("refs/") or ref == "HEAD" else [f"refs/heads/{ref}", f"refs/tags/{ref}"]
        answer = await run_git(
            ["ls-remote", "--quiet", "--", self._remote.url, *names, *(f"{name}^{{}}" for name in names)],
            within=PEEK_WITHIN,
            settings=self._remote.settings,
        )
        rows = [row.split("\t") for row in answer.decode(errors="replace").splitlines()]
        found = {row[1]: row[0] for row in rows if len(row) == 2 and _COMMIT.fullmatch(row[0])}  # noqa: PLR2004 - id, name
        for name in names:
            commit = found.get(f"{name}^{{}}") or found.get(name)
            if commit:
                return commit
        raise NotFound(f"the repository has no branch or tag '{ref}'")
