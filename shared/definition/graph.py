"""Who depends on whom."""

from collections.abc import Mapping, Sequence

Graph = Mapping[str, Sequence[str]]
"""`{step: steps that it depends on}`; names that are no key lead nowhere."""


def find_cycle(graph: Graph) -> list[str] | None:
    """The first cycle in the author's order, first step repeated at the end: `[a, b, a]`."""
    done: set[str] = set()
    for start in graph:
        cycle = _follow(graph, start, done)
        if cycle:
            return cycle
    return None


def _follow(graph: Graph, start: str, done: set[str]) -> list[str] | None:
    way: list[str] = [start]
    open_ends = [iter(graph[start])] if start not in done else []
    while open_ends:
        following = next((name for name in open_ends[-1] if name in graph and name not in done), None)
        if following is None:
            done.add(way.pop())
            open_ends.pop()
        elif following in way:
            return [*way[way.index(following) :], following]
        else:
            way.append(following)
            open_ends.append(iter(graph[following]))
    return None


def ancestors(graph: Graph) -> dict[str, frozenset[str]]:
    """All steps that have ended before a step starts: what it depends on, and what they do."""
    found: dict[str, frozenset[str]] = {}
    for name in graph:
        seen: set[str] = set()
        waiting = list(graph[name])
        while waiting:
            one = waiting.pop()
            if one in graph and one not in seen:
                seen.add(one)
                waiting.extend(graph[one])
        found[name] = frozenset(seen)
    return found
