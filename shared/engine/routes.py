"""Which workers may run the steps of a route."""

from collections.abc import Collection, Iterable


def covers(route: str, *, abilities: Collection[str], tags: Collection[str], is_exclusive: bool) -> bool:
    """Whether steps of `route` (ability plus sorted tags, `script+eu+gpu`) may run at a worker.

    The worker must have every tag of the route; an exclusive one takes only routes that have every tag of its own.
    """
    ability, *wanted = route.split("+")
    if ability not in abilities or not _is_within(wanted, tags):
        return False
    return not is_exclusive or _is_within(tags, wanted)


def _is_within(some: Iterable[str], others: Collection[str]) -> bool:
    return set(some) <= set(others)
