"""Keeps the libraries that workspaces import from, as their sources have them."""

import asyncio
from collections.abc import Mapping

from services.scheduler.source import FileSource
from shared.definition.libraries import Library
from shared.definition.load import load_library
from shared.errors import HeadraceError, Unavailable


class FollowLibraries:
    """One for all workspaces of a scheduler: a library is fetched and checked once for each of its revisions."""

    def __init__(self, sources: Mapping[str, FileSource]) -> None:
        self._sources = dict(sources)
        self._loaded: dict[str, tuple[str, Library]] = {}
        self._turn = asyncio.Lock()

    async def peek(self, *, is_forced: bool = False) -> str:
        """Something that changes when one of them does.

        Raises:
            Unavailable: one can't be loaded; it is named.
        """
        states = [await self._ask(name, source, is_forced=is_forced) for name, source in self._sources.items()]
        return "\0".join(states)

    async def load(self) -> tuple[Library, ...]:
        """All of them, by name.

        Raises:
            Unavailable: as `peek`.
        """
        async with self._turn:
            return tuple([await self._load(name, self._sources[name]) for name in sorted(self._sources)])

    async def _load(self, name: str, source: FileSource) -> Library:
        state = await self._ask(name, source, is_forced=False)
        known = self._loaded.get(name)
        if known is not None and known[0] == state:
            return known[1]
        try:
            fetched = await source.fetch()
        except HeadraceError as error:
            raise _named(name, error) from error
        library = await asyncio.to_thread(load_library, name, fetched.snapshot, fetched.revision)
        self._loaded[name] = (state, library)
        return library

    async def _ask(self, name: str, source: FileSource, *, is_forced: bool) -> str:
        try:
            return await source.peek(is_forced=is_forced)
        except HeadraceError as error:
            raise _named(name, error) from error


def _named(name: str, error: HeadraceError) -> Unavailable:
    return Unavailable(f"the library '{name}' can't be loaded: {error.message}")
