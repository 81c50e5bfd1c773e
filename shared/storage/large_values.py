"""Large JSON texts of a job's document: taken out before it is written, put back after it is read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from shared.engine.job import Job, Step
from shared.errors import Rejected
from shared.storage.codecs import find_texts

Document = dict[str, Any]

INLINE_BYTES = 16 * 1024
"""A text up to here stands in the document itself."""
LARGEST_BYTES = 16 * 1024 * 1024
_SURELY_INLINE = INLINE_BYTES // 4  # characters; none has more than four bytes
_JOB_TEXTS = find_texts(Job, apart={"id", "flow", "steps", "version"})
_STEP_TEXTS = find_texts(Step)


@dataclass(frozen=True, slots=True)
class Gap:
    """A place of a document whose text is kept under a digest."""

    holder: Document
    name: str
    digest: str
    size: int


def take_out(document: Document) -> dict[str, bytes]:
    """Leave `{blob, bytes}` in place of each large text of a new job's document or of what a save sets.

    Answers the texts by digest.

    Raises:
        Rejected: one is larger than any may be.
    """
    taken: dict[str, bytes] = {}
    for holder, name in _texts(document):
        value = holder.get(name)
        if not isinstance(value, str) or len(value) <= _SURELY_INLINE:
            continue
        text = value.encode()
        if len(text) > INLINE_BYTES:
            _check(name, len(text))
            digest = sha256(text).hexdigest()
            taken[digest] = text
            holder[name] = {"blob": digest, "bytes": len(text)}
    return taken


def find_gaps(documents: Iterable[Document]) -> list[Gap]:
    """The places of jobs' documents whose texts are kept elsewhere."""
    return [
        Gap(holder, name, value["blob"], value["bytes"])
        for document in documents
        for holder, name in _texts(document)
        if isinstance(value := holder.get(name), dict)
    ]


def put_back(gaps: Iterable[Gap], texts: Mapping[str, bytes]) -> None:
    """Fill the places with their texts."""
    for gap in gaps:
        gap.holder[gap.name] = texts[gap.digest].decode()


def _texts(document: Document) -> Iterator[tuple[Document, str]]:
    """Where users' JSON may stand: in the job, its owed commands and its steps."""
    for name in _JOB_TEXTS:
        yield document, name
    for command in document.get("outbox", ()):
        yield command, "body"
    for step in _steps(document):
        if len(step) > 1:  # something has happened to it
            for name in _STEP_TEXTS & step.keys():
                yield step, name


def _steps(document: Document) -> Iterable[Document]:
    if "steps" in document:
        steps: Document = document["steps"]
        return steps.values()
    return (value for path, value in document.items() if path.startswith("steps."))


def _check(name: str, size: int) -> None:
    if size > LARGEST_BYTES:
        raise Rejected(
            f"the {name} has {size} bytes as JSON; at most {LARGEST_BYTES} are kept",
            size_bytes=size,
            limit_bytes=LARGEST_BYTES,
        )
