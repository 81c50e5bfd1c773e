"""Which deliveries of a channel the broker still waits for."""

from collections.abc import Iterable


class Unsettled:
    """Delivery tags, ascending, that were neither acknowledged nor given back."""

    def __init__(self) -> None:
        self._tags: dict[int, None] = {}

    def add(self, tag: int) -> None:
        """Note that it was delivered."""
        self._tags[tag] = None

    def __contains__(self, tag: int) -> bool:
        return tag in self._tags

    def __len__(self) -> int:
        return len(self._tags)

    def clear(self) -> None:
        """Forget all: the channel is gone."""
        self._tags.clear()

    def settle(self, tags: Iterable[int]) -> list[tuple[int, bool]]:
        """Strike these out; answers what to tell the broker: `(tag, whether all before it are meant too)`.

        With 1, 2, 3, 4, 5 unsettled, settling 1, 2, 3 and 5 gives `[(3, True), (5, False)]`.
        """
        wanted = {tag for tag in tags if tag in self._tags}
        oldest = []
        for tag in self._tags:
            if tag not in wanted:
                break
            oldest.append(tag)
        for tag in wanted:
            del self._tags[tag]
        first = [(oldest[-1], len(oldest) > 1)] if oldest else []
        return first + [(tag, False) for tag in sorted(wanted.difference(oldest))]
