"""Large texts of jobs in MongoDB, each kept once under its digest, however many jobs hold it."""

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.errors import BulkWriteError

from shared.errors import Broken
from shared.storage.calls import Database, find_duplicates
from shared.storage.large_values import find_gaps, put_back, take_out

PART_BYTES = 4 * 1024 * 1024  # travels well within one call's deadline and stays below the 16 MiB of a document
REMEMBERED_BYTES = 32 * 1024 * 1024  # texts in memory for each process; a job is read soon after it was saved


class BlobShelf:
    """Texts by digest. One is put before the document that names it and never changes.

    Whoever dies between the two leaves a text that nobody names, which harms nobody.
    """

    def __init__(self, database: Database, remembered_bytes: int = REMEMBERED_BYTES) -> None:
        self._blobs = database["blobs"]
        self._room = remembered_bytes
        self._remembered: OrderedDict[str, bytes] = OrderedDict()

    async def unload(self, documents: Sequence[dict[str, Any]]) -> None:
        """Keep the large texts of documents that are about to be written, and leave their digests. Repeats: harmless.

        Raises:
            Rejected: a text is larger than any may be.
        """
        taken: dict[str, bytes] = {}
        for document in documents:
            taken |= take_out(document)
        if taken:
            await self._put(taken)

    async def fill(self, documents: Sequence[dict[str, Any]]) -> None:
        """Put the large texts back into documents that were read: one query for all, none if there is nothing large.

        Raises:
            Broken: one is missing though a job names it.
        """
        gaps = find_gaps(documents)
        if gaps:
            put_back(gaps, await self._find({gap.digest: gap.size for gap in gaps}))

    async def _put(self, texts: Mapping[str, bytes]) -> None:
        unknown = {digest: text for digest, text in texts.items() if digest not in self._remembered}
        parts = [
            {"_id": part_id, "blob": digest, "index": index, "data": _cut(text, index)}
            for digest, text in unknown.items()
            for index, part_id in enumerate(_part_ids(digest, len(text)))
        ]
        if parts:
            try:
                await self._blobs.insert_many(parts, ordered=False)
            except BulkWriteError as error:
                find_duplicates(error)  # same digest, same text
        for digest, text in texts.items():
            self._remember(digest, text)

    async def _find(self, sizes: Mapping[str, int]) -> dict[str, bytes]:
        found = {digest: self._remembered[digest] for digest in sizes if digest in self._remembered}
        missing = {digest: size for digest, size in sizes.items() if digest not in found}
        if missing:
            found |= await self._fetch(missing)
        for digest, text in found.items():
            self._remember(digest, text)
        return found

    async def _fetch(self, sizes: Mapping[str, int]) -> dict[str, bytes]:
        wanted = [part_id for digest, size in sizes.items() for part_id in _part_ids(digest, size)]
        parts: dict[str, dict[int, bytes]] = defaultdict(dict)
        for document in await self._blobs.find({"_id": {"$in": wanted}}).to_list(None):
            parts[document["blob"]][document["index"]] = document["data"]
        texts = {digest: b"".join(data for _, data in sorted(parts[digest].items())) for digest in sizes}
        if any(len(texts[digest]) != size for digest, size in sizes.items()):
            raise Broken("a large value of a stored job is missing")
        return texts

    def _remember(self, digest: str, text: bytes) -> None:
        """Keep the text as the latest; those that nobody asked for longest make room."""
        known = self._remembered.pop(digest, None)
        self._room += len(known or b"")
        self._remembered[digest] = text
        self._room -= len(text)
        while self._room < 0:
            self._room += len(self._remembered.popitem(last=False)[1])


def _part_ids(digest: str, size: int) -> list[str]:
    return [f"{digest}/{index}" for index in range(-(-size // PART_BYTES))]


def _cut(text: bytes, index: int) -> bytes:
    return text[index * PART_BYTES : (index + 1) * PART_BYTES]
