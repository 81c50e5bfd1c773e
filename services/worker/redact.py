"""Takes secret values, and what they look like when written in other ways, out of what leaves the worker."""

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4  # characters; masking shorter values would make logs unreadable, and tell them by where it masks
LONGEST_HELD_BYTES = 16 * 1024  # of a line without an end; the same length at which lines are split
_MASK_BYTES = MASK.encode()


class Redactor:
    """Masks values of 4 characters and more.

    As they are, in base64 at three offsets, URL-, JSON-, XML- and shell-escaped; each line of those with several, each
    text of those that are JSON. Source: the encoders of GitHub's runner.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form.encode("utf-8", "surrogatepass") for value in values for form in forms_of(value)}
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        self.longest_bytes = len(self._forms[0]) if self._forms else 0

    def __bool__(self) -> bool:
        return bool(self._forms)

    def redact_bytes(self, data: bytes) -> bytes:
        """The data with what is secret masked; a search for each form, so next to nothing where none is found."""
        found = tuple(form for form in self._forms if form in data)
        return _pattern(found).sub(_MASK_BYTES, data) if found else data

    def redact_text(self, text: str) -> str:
        """As `redact_bytes`."""
        if not self._forms:
            return text
        return self.redact_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def redact_value(self, value: Any) -> Any:
        """A JSON value with what is secret masked in its texts, keys and numbers."""
        if not self._forms or value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.redact_text(value)
        if isinstance(value, dict):
            return {self.redact_text(key): self.redact_value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.redact_value(item) for item in value]
        return value if self.redact_text(str(value)) == str(value) else MASK

    def find_cut(self, data: bytes) -> int:
        """Where `data` may be cut so that nothing secret, though half of it may be still to come, is cut in two."""
        cut = max(0, len(data) - self.longest_bytes + 1)
        found = tuple(form for form in self._forms if form in data)
        for match in _pattern(found).finditer(data) if found else ():
            if match.start() < cut < match.end():
                return match.start()
        return cut


NOTHING_SECRET = Redactor()


class StreamRedactor:
    """One stream's bytes, masked. Held back is only what a reader of lines waits for anyway, the end of a line."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """What can be told of `data` and of what was held back."""
        if not self._redactor:
            return data
        data = self._rest + data if self._rest else data
        cut = data.rfind(b"\n") + 1
        if len(data) - cut > LONGEST_HELD_BYTES:
            cut = max(cut, self._redactor.find_cut(data))
        self._rest = data[cut:]
        return self._redactor.redact_bytes(data[:cut])

    def end(self) -> bytes:
        """The rest."""
        rest, self._rest = self._rest, b""
        return self._redactor.redact_bytes(rest)


def forms_of(value: str) -> set[str]:
    """Every text that tells the value."""
    return {form for part in _parts_of(value) for form in _forms_of_part(part) if len(form) >= SHORTEST}


def _parts_of(value: str) -> Iterator[str]:
    """The value, without blanks around it, its lines, and the texts in it if it is JSON."""
    for part in (value, value.strip(), *(line.strip() for line in value.splitlines()), *_leaves_of(value)):
        if len(part) >= SHORTEST:
            yield part


def _leaves_of(value: str) -> Iterator[str]:
    if value.lstrip()[:1] not in ("{", "["):
        return
    try:
        waiting = [json.loads(value)]
    except (ValueError, RecursionError):
        return
    while waiting:
        match waiting.pop():
            case dict() as found:
                waiting += found.values()
            case list() as found:
                waiting += found
            case str() as found:
                yield found


def _forms_of_part(part: str) -> Iterator[str]:
    yield part
    data = part.encode("utf-8", "surrogatepass")
    yield from _base64_forms(data)
    for escaped in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield escaped
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), escaped)
    for is_ascii in (True, False):
        written = json.dumps(part, ensure_ascii=is_ascii)[1:-1]
        yield written
        yield json.dumps(written, ensure_ascii=is_ascii)[1:-1]  # JSON within JSON
        yield written.replace("/", "\\/")
    yield from (html.escape(part), html.escape(part, quote=False))
    yield shlex.quote(part).removeprefix("'").removesuffix("'")
    yield part.replace("'", "'\\''")
    yield re.sub(r"([^A-Za-z0-9_@%+=:,./\-])", r"\\\1", part)  # bash's printf %q
    yield re.sub(r'(["$`\\])', r"\\\1", part)  # within double quotes


def _base64_forms(data: bytes) -> Iterator[str]:
    """The value alone, with its padding, and what stands fast of it within a longer text, at three offsets."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(data).decode()
        for offset in range(3):
            whole_sixes = (offset + len(data)) * 8 // 6  # the character after those depends on what follows
            yield encode(bytes(offset) + data).decode()[(0, 2, 3)[offset] : whole_sixes]


@lru_cache(maxsize=256)
def _pattern(forms: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """Any of the forms, the longest first."""
    return re.compile(b"|".join(map(re.escape, forms)))
