"""Which routes a worker covers."""

from dataclasses import dataclass

from shared.engine.routes import covers

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
        """Whether steps of `route` may run here."""
        return covers(route, abilities=self.abilities, tags=self.tags, is_exclusive=self.is_exclusive)

    @property
    def own_routes(self) -> tuple[str, ...]:
        """The routes served even before a step asked for them: its abilities without tags, if it takes those."""
        return tuple(ability for ability in self.abilities if self.covers(ability))
