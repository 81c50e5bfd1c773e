"""The page about states, written from the engine's tables: `python -m tests.unit.engine.state_tables`."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from shared.engine.transitions import JOB_MOVES, JOB_TRANSITIONS, STEP_MOVES, STEP_TRANSITIONS

PAGE = Path(__file__).parents[3] / "docs" / "generated" / "states.md"

State = TypeVar("State", bound=StrEnum)
Move = TypeVar("Move", bound=StrEnum)

HEAD = """# States

Written from `shared/engine/transitions.py` by `python -m tests.unit.engine.state_tables`; a test compares.
A move that is not in the table can't happen. A state without a way out is terminal.
"""


def describe() -> str:
    """The whole page."""
    return "\n".join(
        [HEAD, *_machine("Jobs", JOB_TRANSITIONS, JOB_MOVES), *_machine("Steps", STEP_TRANSITIONS, STEP_MOVES)]
    )


def _machine(
    title: str, transitions: Mapping[State, Mapping[Move, State]], meanings: Mapping[Move, str]
) -> Iterator[str]:
    yield f"## {title}\n"
    yield "```mermaid\nstateDiagram-v2\n    [*] --> pending"
    for state, moves in transitions.items():
        yield from (f"    {state} --> {after}: {move}" for move, after in moves.items())
    yield "```\n"
    yield f"| from | {' | '.join(meanings)} |"
    yield f"|---|{'---|' * len(meanings)}"
    for state, moves in transitions.items():
        if moves:
            yield f"| {state} | {' | '.join(moves.get(move, '') for move in meanings)} |"
    yield "\n| move | why |\n|---|---|"
    yield from (f"| {move} | {meaning} |" for move, meaning in meanings.items())
    yield ""


if __name__ == "__main__":
    PAGE.write_text(describe(), encoding="utf-8")
