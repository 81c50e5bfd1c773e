"""Which routes a worker covers."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

SCRIPT = "script"
HTTP = "http"
FUNCTION = "function"
DOCKER = "docker"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a worker can do and wants to do."""

    abilities: tuple[str, ...] = (SCRIPT,)
    tags: tuple[str, ...] = ()
    is_exclusive: bool = False

    def covers(self, route: str) -> bool:
        """Whether steps of `route` (ability plus sorted tags, `script+eu+gpu`) may run here.

        The worker must have every tag of the route; an exclusive one takes only routes that have every tag of its own.
        """
        ability, *tags = route.split("+")
        if ability not in self.abilities or not _is_within(tags, self.tags):
            return False
        return not self.is_exclusive or _is_within(self.tags, tags)

    @property
    def own_routes(self) -> tuple[str, ...]:
        """The routes served even before a step asked for them: its abilities without tags, if it takes those."""
        return tuple(ability for ability in self.abilities if self.covers(ability))


def _is_within(some: Iterable[str], others: Collection[str]) -> bool:
    return set(some) <= set(others)
