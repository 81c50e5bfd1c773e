"""The flows of jobs in MongoDB, each kept once under its digest, however many jobs follow it."""

from collections import OrderedDict
from collections.abc import Iterable

from pymongo.errors import BulkWriteError

from shared.engine.flow import Flow
from shared.errors import Broken
from shared.storage.calls import Database, find_duplicates
from shared.storage.documents import decode_flow, encode_flow

REMEMBERED = 256  # flows in memory for each process; all jobs of a task's revision follow the same


class FlowShelf:
    """Flows by digest. A flow is put before the first job that names it and never changes.

    A job's own document stays small this way: a flow of 200 steps has 130 kB, which would be rewritten with every save.
    """

    def __init__(self, database: Database) -> None:
        self._flows = database["flows"]
        self._by_digest: OrderedDict[str, Flow] = OrderedDict()
        self._digests: OrderedDict[int, tuple[Flow, str]] = OrderedDict()

    async def put(self, flows: Iterable[Flow]) -> list[str]:
        """Keep those that are new to this process; answers the digest of each. Repeats: harmless."""
        digests, unknown = [], {}
        for flow in flows:
            known = self._digests.get(id(flow))
            if known is not None and known[0] is flow:
                digests.append(known[1])
                continue
            digest, text = encode_flow(flow)
            digests.append(digest)
            if digest not in self._by_digest:
                unknown[digest] = (flow, text)
        await self._insert({digest: text for digest, (_, text) in unknown.items()})
        for digest, (flow, _) in unknown.items():
            self._remember(digest, flow)
        return digests

    async def find(self, digests: Iterable[str]) -> dict[str, Flow]:
        """The flows by digest.

        Raises:
            Broken: one is missing though a job names it.
        """
        wanted = set(digests)
        found = {digest: self._by_digest[digest] for digest in wanted if digest in self._by_digest}
        missing = sorted(wanted - found.keys())
        if missing:
            documents = await self._flows.find({"_id": {"$in": missing}}).to_list(None)
            for document in documents:
                flow = decode_flow(document["text"])
                self._remember(document["_id"], flow)
                found[document["_id"]] = flow
        if len(found) < len(wanted):
            raise Broken("the flow of a stored job is missing")
        return found

    async def _insert(self, texts: dict[str, str]) -> None:
        if not texts:
            return
        documents = [{"_id": digest, "text": text} for digest, text in texts.items()]
        try:
            await self._flows.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            find_duplicates(error)  # same digest, same flow

    def _remember(self, digest: str, flow: Flow) -> None:
        self._by_digest[digest] = flow
        self._digests[id(flow)] = (flow, digest)
        if len(self._by_digest) > REMEMBERED:
            self._by_digest.popitem(last=False)
        if len(self._digests) > REMEMBERED:
            self._digests.popitem(last=False)
